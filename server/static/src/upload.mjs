// Sends a file in slices that the service acknowledges one by one (server/pages/uploads.c), so that a cut, or a page loaded
// again, costs one slice. <form data-upload data-max="10485760"> with one file input; without this script, or where the
// service does not know slices, the form posts the whole file as any other. A link <a data-sends> first sends what was chosen
// and not sent: who goes on has not forgotten it, and one that is refused keeps them there.
const most = 512 * 1024
const least = 64 * 1024
const patience = 60000 // for one answer; then smaller slices
const pauses = [1, 2, 4, 8, 15, 30] // seconds
const busyMost = 4 // answers in a row that say "later"

const mega = bytes => `${(bytes / 1048576).toLocaleString('fr-FR', { maximumFractionDigits: 1 })}\u00a0Mo`

// What is remembered of an upload until this tab closes: where it goes, under a digest of what it is. No name stays.
const memory = {
	get: key => { try { return sessionStorage.getItem(key) } catch { return null } },
	set: (key, value) => { try { sessionStorage.setItem(key, value) } catch { /* it goes on without */ } },
	drop: key => { try { sessionStorage.removeItem(key) } catch { /* as above */ } }
}
async function keyOf(form, file) {
	const value = name => form.elements.namedItem(name)?.value ?? ''
	const text = JSON.stringify([form.action, value('kind'), value('for'), file.name, file.size, file.lastModified])
	const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
	return 'envoi-' + [...digest.slice(0, 16)].map(b => b.toString(16).padStart(2, '0')).join('')
}

// After some seconds, or as soon as the network is back.
const pause = seconds => new Promise(done => {
	const on = () => {
		clearTimeout(timer)
		removeEventListener('online', on)
		done()
	}
	const timer = setTimeout(on, seconds * 1000)
	addEventListener('online', on)
})

// Said in the service's words, and not worth trying again.
class Refused extends Error {}
class Busy extends Error {}
class NoSlices extends Error {}

class Sending {
	#form
	#file
	#tell
	#progress
	#key
	#at
	#size = most
	#failed = 0
	#busy = 0

	constructor(form, file, tell, progress) {
		this.#form = form
		this.#file = file
		this.#tell = tell
		this.#progress = progress
	}

	async #ask(method, url, head, body) {
		const stop = new AbortController()
		const timer = setTimeout(() => stop.abort(), patience)
		const cut = () => stop.abort()
		addEventListener('offline', cut)
		try {
			const answer = await fetch(url, {
				method, body, redirect: 'error', signal: stop.signal,
				headers: { Accept: 'application/json', 'X-CSRF-Token': this.#form.elements.namedItem('csrf')?.value ?? '', ...head }
			})
			const said = method === 'HEAD' ? {} : await answer.json().catch(() => ({}))
			return { status: answer.status, said, at: answer.headers.get('Upload-Offset'),
				whole: answer.headers.get('Upload-Complete') === '?1', location: answer.headers.get('Location') }
		} finally {
			clearTimeout(timer)
			removeEventListener('offline', cut)
		}
	}
	#judge(answer) {
		if (answer.status < 400)
			return answer
		if (answer.status >= 500 || answer.status === 429) {
			if (++this.#busy > busyMost)
				throw new Refused(answer.said.detail ?? 'Le service ne répond pas. Réessayez plus tard\u00a0: l’envoi reprendra où il en est.')
			throw new Busy()
		}
		if (answer.status === 401 || answer.status === 403)
			throw new Refused('Votre session a pris fin. Reconnectez-vous et choisissez de nouveau ce fichier\u00a0: l’envoi reprendra où il en est.')
		throw new Refused(answer.said.problems?.[0]?.text ?? answer.said.detail ?? answer.said.title ??
			'Le fichier n’a pas été reçu. Réessayez.')
	}
	async #begin() {
		const value = name => this.#form.elements.namedItem(name)?.value
		const answer = await this.#ask('POST', this.#form.action.replace(/\/pieces$/, '/envois'),
			{ 'Content-Type': 'application/json', 'Upload-Length': String(this.#file.size) },
			JSON.stringify({ kind: value('kind'), for: value('for'), name: this.#file.name }))
		if ([404, 405, 415].includes(answer.status) && !answer.said.problems)
			throw new NoSlices()
		this.#judge(answer)
		if (!answer.location)
			throw new NoSlices()
		memory.set(this.#key, answer.location)
		this.#at = 0
		return answer.location
	}
	// Where the service is; null when it knows of none.
	async #look(url) {
		const answer = await this.#ask('HEAD', url)
		if (answer.status === 404)
			return null
		this.#judge(answer)
		this.#at = Number(answer.at)
		return answer
	}
	async #go() {
		let url = memory.get(this.#key)
		const known = url && await this.#look(url)
		if (known?.whole)
			return
		if (!known)
			url = await this.#begin()
		for (;;) {
			const end = Math.min(this.#at + this.#size, this.#file.size)
			const last = end === this.#file.size
			this.#progress(this.#at / this.#file.size)
			const answer = await this.#ask('PATCH', url, { 'Content-Type': 'application/partial-upload',
				'Upload-Offset': String(this.#at), 'Upload-Complete': last ? '?1' : '?0' }, this.#file.slice(this.#at, end))
			if (answer.status === 404) {
				memory.drop(this.#key)
				throw new Error('gone')
			}
			// Somebody else, or an answer of ours that was lost, moved it: from there.
			if (answer.status === 409 && answer.at !== null && Number(answer.at) !== this.#at) {
				this.#at = Number(answer.at)
				if (answer.whole)
					return
				continue
			}
			if (answer.said.problems?.[0]?.code === 'type') // its content: nothing of it is kept
				memory.drop(this.#key)
			this.#judge(answer)
			if (this.#failed)
				this.#tell('Connexion revenue\u00a0: l’envoi continue.')
			this.#failed = this.#busy = 0
			if (last)
				return
			this.#at = Number(answer.at ?? end)
		}
	}
	async run() {
		this.#key = await keyOf(this.#form, this.#file)
		for (;;) {
			try {
				await this.#go()
				memory.drop(this.#key)
				return
			} catch (error) {
				if (error instanceof Refused || error instanceof NoSlices)
					throw error
				this.#size = Math.max(least, this.#size / 2)
				this.#tell(`${error instanceof Busy ? 'Le service est occupé' : 'Connexion perdue'}\u00a0: l’envoi reprendra tout seul.`, true)
				await pause(pauses[Math.min(this.#failed++, pauses.length - 1)])
			}
		}
	}
}

const chosen = []
const waits = () => chosen.find(each => each.waits())
const goOn = href => {
	const next = waits()
	if (next)
		next.send(() => goOn(href))
	else
		location.assign(href)
}
document.addEventListener('click', event => {
	const link = event.target.closest?.('a[data-sends]')
	if (!link || !waits() || event.ctrlKey || event.metaKey || event.shiftKey)
		return
	event.preventDefault()
	goOn(link.href)
})

export function upload(form) {
	const input = form.querySelector('input[type=file]')
	if (!input || !globalThis.crypto?.subtle)
		return
	const box = form.appendChild(document.createElement('div'))
	box.className = 'msp-upload'
	const state = box.appendChild(document.createElement('p'))
	state.className = 'msp-autosave'
	state.setAttribute('role', 'status')
	const bar = document.createElement('progress')
	bar.max = 100
	bar.setAttribute('aria-label', 'Envoi du fichier')
	let busy = false

	// What the page said of an earlier try, of this file or of another.
	const forget = () => {
		for (const old of document.querySelectorAll('.govuk-error-summary, form[data-upload] .govuk-error-message'))
			old.remove()
		for (const group of document.querySelectorAll('form[data-upload] .govuk-form-group--error')) {
			group.classList.remove('govuk-form-group--error')
			group.querySelector('input').removeAttribute('aria-describedby')
		}
		document.title = document.title.replace(/^Erreur\u00a0: /, '')
	}
	const tell = (text, wrong = false) => {
		state.textContent = text
		state.classList.toggle('msp-autosave--error', wrong)
	}
	const tooLarge = () => {
		const file = input.files[0]
		const max = Number(form.dataset.max || 10485760)
		if (!file || file.size <= max)
			return false
		tell(`Ce fichier pèse ${mega(file.size)}\u00a0; la limite est de ${mega(max)}. Choisissez-en un plus léger.`, true)
		return true
	}
	input.addEventListener('change', async () => {
		if (busy)
			return
		forget()
		tell('')
		const file = input.files[0]
		if (tooLarge() || !file)
			return
		if (memory.get(await keyOf(form, file)) && !busy && input.files[0] === file)
			tell('L’envoi de ce fichier avait commencé\u00a0: il reprendra où il en est.')
	})

	const send = async then => {
		if (busy)
			return
		if (tooLarge()) {
			input.focus()
			return
		}
		const file = input.files[0]
		busy = true
		input.disabled = true
		box.appendChild(bar)
		bar.value = 0
		tell('Envoi du fichier…')
		try {
			await new Sending(form, file, tell, part => { bar.value = Math.round(part * 100) }).run()
			tell('Fichier reçu.')
			input.value = ''
			then()
		} catch (error) {
			busy = false
			input.disabled = false
			bar.remove()
			if (error instanceof Refused) {
				tell(error.message, true)
				input.focus()
			} else {
				form.submit() // the whole file, as without this script
			}
		}
	}
	chosen.push({ waits: () => Boolean(input.files[0]), send })

	form.addEventListener('submit', event => {
		if (!busy && !input.files[0])
			return
		event.preventDefault()
		send(() => location.assign(form.dataset.upload || location.pathname + location.search))
	})
}
