// Shows how far a file is, and refuses a too large one before it travels. <form data-upload data-max="10485760">
// with one file input; without it the form posts as any other. A link <a data-sends> first sends what was chosen and not
// sent: who goes on has not forgotten it, and one that is refused keeps them there.
const mega = bytes => `${(bytes / 1048576).toLocaleString('fr-FR', { maximumFractionDigits: 1 })}\u00a0Mo`

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
	if (!input)
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
	input.addEventListener('change', () => {
		forget()
		tell('')
		tooLarge()
	})

	const send = then => {
		if (busy)
			return
		if (tooLarge()) {
			input.focus()
			return
		}
		busy = true
		const fail = text => {
			busy = false
			bar.remove()
			tell(text, true)
			input.focus()
		}
		const request = new XMLHttpRequest()
		request.open('POST', form.action)
		request.setRequestHeader('Accept', 'application/json')
		request.responseType = 'json'
		request.upload.addEventListener('progress', e => {
			bar.value = e.lengthComputable ? Math.round(e.loaded / e.total * 100) : 0
		})
		request.addEventListener('load', () => {
			if (request.status >= 200 && request.status < 300) {
				tell('Fichier reçu.')
				input.value = ''
				then()
				return
			}
			const problem = request.response?.problems?.[0]?.text ?? request.response?.detail ?? request.response?.title
			fail(problem ?? 'Le fichier n’a pas été reçu. Réessayez.')
		})
		request.addEventListener('error', () => fail('La connexion s’est interrompue. Réessayez\u00a0: rien n’est perdu.'))
		box.appendChild(bar)
		bar.value = 0
		tell('Envoi du fichier…')
		request.send(new FormData(form))
	}
	chosen.push({ waits: () => Boolean(input.files[0]), send })

	form.addEventListener('submit', event => {
		if (!busy && !input.files[0])
			return
		event.preventDefault()
		send(() => location.assign(form.dataset.upload || location.pathname + location.search))
	})
}
