// Saves a form of answers while one types. <form data-autosave="/dossiers/{id}/reponses"> with hidden csrf and revision;
// the state is told in <p class="msp-autosave" data-autosave-state role="status">, made here when the page has none.
import { known } from './known.mjs'

const wait = 1200
// As the rest of the service says it: in Paris, "7 h 05".
const clock = new Intl.DateTimeFormat('fr-FR', { hour: '2-digit', minute: '2-digit', timeZone: 'Europe/Paris' })

export function autosave(form) {
	const state = form.querySelector('[data-autosave-state]') ?? form.insertBefore(document.createElement('p'), form.firstChild)
	state.classList.add('msp-autosave')
	state.setAttribute('role', 'status')
	let timer = 0
	let running = false
	let again = false
	let stopped = false
	let sent = ''
	let leaving
	const saved = known(form)

	const tell = (text, wrong = false) => {
		state.textContent = text
		state.classList.toggle('msp-autosave--error', wrong)
	}
	const body = () => {
		const fields = new URLSearchParams()
		for (const [name, value] of new FormData(form))
			if (typeof value === 'string' && name !== 'idempotency_key')
				fields.append(name, value)
		return fields.toString()
	}
	const later = (ms = wait) => {
		clearTimeout(timer)
		if (!stopped)
			timer = setTimeout(save, ms)
	}
	async function save() {
		const now = body()
		if (now === sent)
			return
		if (running) {
			again = true
			return
		}
		running = true
		tell('Enregistrement en cours…')
		try {
			const answer = await fetch(form.dataset.autosave, {
				method: 'POST',
				body: now,
				headers: { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' },
				redirect: 'error'
			})
			const data = await answer.json().catch(() => ({}))
			const revision = form.elements.namedItem('revision')
			if (data.revision !== undefined && revision)
				revision.value = data.revision
			if (answer.ok) {
				sent = body() === now || !revision ? now : ''
				tell(`Enregistré à ${clock.format(new Date()).replace(/^0/, '').replace(':', '\u00a0h\u00a0')}. Votre dossier n’est pas encore envoyé.`)
				saved([])
			} else if (answer.status === 422) {
				sent = now
				const count = data.problems?.length ?? 0
				tell(count > 1 ? `Enregistré, sauf ${count} réponses à corriger.` : 'Enregistré, sauf une réponse à corriger.')
				saved(data.problems ?? [])
			} else if (answer.status === 409) {
				stopped = true
				tell('Une autre fenêtre a enregistré ce dossier entre-temps. Rechargez la page avant de continuer.', true)
			} else if (answer.status === 401 || answer.status === 403) {
				stopped = true
				tell('Votre session a pris fin. Enregistrez avec le bouton\u00a0: vous pourrez vous reconnecter sans rien perdre.', true)
			} else {
				throw new Error(String(answer.status))
			}
		} catch {
			tell('Pas enregistré\u00a0: le service ne répond pas. Vos réponses restent sur cette page, nous réessayons.', true)
			later(10000)
		}
		running = false
		leaving?.()
		if (again) {
			again = false
			later()
		}
	}

	sent = body()
	form.addEventListener('input', () => later())
	form.addEventListener('change', () => later(200))
	// A save on its way ends first: it carries the revision that this one must name.
	form.addEventListener('submit', event => {
		stopped = true
		clearTimeout(timer)
		if (!running || leaving)
			return
		event.preventDefault()
		leaving = () => {
			leaving = () => {}
			form.requestSubmit(event.submitter)
		}
		setTimeout(() => leaving(), 5000)
	})
	addEventListener('online', () => later(0))
}
