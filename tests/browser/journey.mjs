// What people do, page by page, as one would with a mouse: the tests and the pictures take the same ways. `seen(page, name)` is
// called for each page and each state of it; `t` only counts what must hold on the way.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { agentUrl } from './lib.mjs'
import { password, pdf, siret } from './people.mjs'

export const button = (page, name) => page.getByRole('button', { name })
export const link = (page, name) => page.getByRole('link', { name })
// Clicks what leads to a page, and waits for it: a GET, or a POST and its redirection.
export async function going(locator) {
	const page = locator.page()
	await Promise.all([page.waitForEvent('domcontentloaded'), locator.first().click()])
	await page.waitForLoadState('load')
}
export const press = (page, name) => going(button(page, name))
export const follow = (page, name) => going(link(page, name).or(page.locator('a[role=button]', { hasText: name })))
const nothing = async () => {}
const problems = page => page.locator('.govuk-error-summary__list li')

// The summary of problems: it is there, it leads to its field, the title says so, and with scripts it has the focus.
export async function wrong(t, page, name, count) {
	t.same(await problems(page).count(), count, `${name}: the summary lists each problem`)
	if (page.javascript)
		t.ok(await page.evaluate(() => document.activeElement.classList.contains('govuk-error-summary')), `${name}: the summary has the focus`)
	const astray = await page.evaluate(() => [...document.querySelectorAll('.govuk-error-summary__list a')]
		.filter(a => !a.hash || !document.getElementById(a.hash.slice(1))).map(a => `${a.textContent} ${a.hash}`))
	t.ok(astray.length === 0, `${name}: each problem leads to its field`, astray.join('\n'))
	t.ok(/^Erreur/.test(await page.title()), `${name}: the title begins with the error`, await page.title())
}

export async function signIn(page, who) {
	await page.goto('/connexion')
	await page.locator('input[name=email]').fill(who.email)
	await page.locator('input[name=password]').fill(who.password ?? password)
	await press(page, 'Se connecter')
}

// From the home page to the list of one's files.
export async function openAccount(t, page, who, seen = nothing) {
	await page.goto('/')
	await follow(page, 'Commencer ma candidature')
	await seen(page, 'the page that opens an account')
	await page.locator('input[name=email]').fill('jeanne.exemple')
	await page.locator('input[name=password]').fill('court')
	await press(page, 'Créer mon compte')
	await wrong(t, page, 'the account with a bad address and a short password', 2)
	await seen(page, 'the account with its problems')
	await page.locator('input[name=email]').fill(who.email)
	await page.locator('input[name=password]').fill(password)
	await press(page, 'Créer mon compte')
	await seen(page, 'the page that says a message is sent')
	await follow(page, 'confirmer l’adresse')
	await seen(page, 'the page that confirms the address')
	await press(page, 'Confirmer mon adresse')
	await seen(page, 'the page that says the address is confirmed')
	await page.goto('/connexion')
	await page.locator('input[name=email]').fill(who.email)
	await page.locator('input[name=password]').fill('une autre phrase de passe')
	await press(page, 'Se connecter')
	await wrong(t, page, 'a wrong password', 1)
	await seen(page, 'the sign-in with its problem')
	await signIn(page, who)
	await seen(page, 'the list of one’s files, empty')
}

export const date = async (page, name, [day, month, year]) => {
	await page.locator(`[name="${name}.day"]`).fill(String(day))
	await page.locator(`[name="${name}.month"]`).fill(String(month))
	await page.locator(`[name="${name}.year"]`).fill(String(year))
}
const type = (page, name, value) => page.locator(`[name="${name}"]`).and(page.locator('input, textarea')).first().fill(value)
const choose = (page, name, value) => page.locator(`input[name="${name}"][value="${value}"]`).check({ force: true })
const next = page => press(page, 'Enregistrer et continuer')
export const step = page => page.url().match(/etapes\/([^/#?]+(?:\/pieces)?)/)?.[1]

// Sends one file in the slot of that name.
export async function attach(page, slot, file) {
	const card = page.locator('.msp-card').filter({ has: page.locator('h2', { hasText: slot }) }).first()
	await card.locator('input[type=file]').setInputFiles(file)
	const send = card.locator('button', { hasText: 'Envoyer ce fichier' })
	if (!page.javascript) {
		await going(send)
	} else {
		// A script sends it: the page is loaded again, or tells what is wrong where it is.
		await page.evaluate(() => document.body.dataset.before = 'yes')
		await send.click()
		await page.waitForFunction(() => document.readyState === 'complete' && (!document.body.dataset.before || document.querySelector('.msp-autosave--error')))
	}
	await page.waitForLoadState('load')
}
const goOn = page => follow(page, 'Continuer')

// The application from its first step to the page that sends it. `mistakes`: with a wrong value in some steps first.
export async function fill(t, page, who, seen = nothing, { mistakes = false } = {}) {
	await press(page, 'Commencer ma candidature')
	if (!step(page)) {
		await seen(page, 'the draft')
		await page.locator('a.govuk-button').first().click()
		await page.waitForURL(/etapes\/identite/)
	}
	t.same(step(page), 'identite', 'the application begins with who one is')
	await type(page, 'last_name', who.last)
	await type(page, 'first_name', who.first)
	await date(page, 'birth_date', mistakes ? [31, 2, 1985] : [14, 3, 1985])
	await type(page, 'email', who.email)
	await type(page, 'phone', '0612345678')
	await type(page, 'nir', mistakes ? who.nir.slice(0, 14) : who.nir)
	await next(page)
	if (mistakes) {
		t.same(step(page), 'identite', 'a wrong value keeps one on its step')
		await wrong(t, page, 'the step with a wrong date and a short number', 2)
		t.same(await page.locator('[name=nir]').inputValue(), who.nir.slice(0, 14), 'what was typed wrongly comes back to be corrected')
		await seen(page, 'the identity with its problems')
		await date(page, 'birth_date', [14, 3, 1985])
		await type(page, 'nir', who.nir)
		await next(page)
	}
	t.same(step(page), 'identite/pieces', 'the step’s papers come after its questions')
	await seen(page, 'the papers of the identity')
	if (mistakes) {
		await attach(page, 'identité', { name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<p>bonjour</p>') })
		if (!page.javascript)
			await wrong(t, page, 'a file of a wrong kind', 1)
		t.ok(/PDF/.test(await page.locator('.govuk-error-summary, .msp-autosave--error').allInnerTexts().then(x => x.join())), 'a file of a wrong kind is refused with what is taken')
		await seen(page, 'the papers with their problem')
		await page.waitForTimeout(1000) // a second press within a second is a double click: nothing is sent
	}
	await attach(page, 'identité', pdf('identite recto'))
	await attach(page, 'identité', pdf('identite verso'))
	await attach(page, 'droits', pdf('droits'))
	await seen(page, 'the papers of the identity, sent')
	await goOn(page)
	t.same(step(page), 'inscription', 'then the registration')
	if (mistakes) {
		await type(page, 'rpps', '10001234567')
		await next(page)
		await wrong(t, page, 'a mistyped RPPS number', 1)
		await seen(page, 'the registration with its problem')
	}
	await type(page, 'rpps', who.rpps)
	if (page.javascript) {
		const told = page.locator('.govuk-form-group + [role=status]')
		t.ok(await told.getByText('L’Annuaire Santé connaît ce numéro RPPS, à votre nom.').waitFor().then(() => true, () => false),
			'what the registry knows of a number is told while one types', await told.innerText())
		await seen(page, 'the registration, the number known')
	} else if (!mistakes)
		await seen(page, 'the registration')
	await next(page)
	t.same(step(page), 'exercice', 'then the place of practice')
	await choose(page, 'practice_mode', who.mode ?? 'liberal')
	await type(page, 'address_street', who.street)
	await type(page, 'address_postcode', who.postcode)
	await commune(page, who)
	await seen(page, 'the place of practice')
	await next(page)
	if (step(page) === 'exercice') {
		await seen(page, 'the place of practice, its commune to choose')
		await commune(page, who)
		await next(page)
	}
	if (who.mode) {
		t.same(step(page), 'employeur', 'who has an employer tells of him')
		await seen(page, 'the employer')
		await type(page, 'employer_name', 'Centre de santé des Essais')
		await type(page, 'employer_siret', siret)
		await type(page, 'employer_email', 'direction@exemple.test')
		await next(page)
	}
	t.same(step(page), 'diplome', 'then the diploma')
	await page.locator('[name=diploma_kind]').first().selectOption('master')
	await date(page, 'diploma_date', [30, 6, 2012])
	await type(page, 'diploma_place', 'Université de Lille')
	await seen(page, 'the diploma')
	await next(page)
	await seen(page, 'the papers of the diploma')
	await attach(page, 'Diplôme', pdf('diplome'))
	await goOn(page)
	t.same(step(page), 'experience', 'then the experience')
	await row(page, 0, [1, 9, 2012], [31, 8, 2016], 'Centre médico-psychologique, Lille')
	await press(page, 'Ajouter une période')
	t.same(await page.locator('[name="experience[1].structure"]').count(), 1, 'one more period can be described')
	t.same(await page.locator('[name="experience[0].structure"]').inputValue(), 'Centre médico-psychologique, Lille', 'the first period is kept')
	await row(page, 1, [1, 9, 2016], mistakes ? [1, 9, 2014] : [31, 12, 2023], 'Cabinet, Lille')
	if (mistakes) {
		await next(page)
		await wrong(t, page, 'a period that ends before it begins', 1)
		await seen(page, 'the experience with its problem')
		await date(page, 'experience[1].to', [31, 12, 2023])
	} else {
		await seen(page, 'the experience, two periods')
	}
	await next(page)
	t.same(step(page), 'experience/pieces', 'then a paper for each period')
	await seen(page, 'the papers of the experience')
	await attach(page, 'Centre médico-psychologique', pdf('attestation un'))
	await attach(page, 'Cabinet, Lille', pdf('attestation deux'))
	await goOn(page)
	t.same(step(page), 'public', 'then what the directory says')
	await choose(page, 'public', 'adults').catch(() => choose(page, 'public[]', 'adults'))
	await page.locator('input[type=checkbox][name=show_email]').check({ force: true })
	await seen(page, 'the profile of the directory')
	await next(page)
	t.same(step(page), 'banque', 'then the bank')
	await type(page, 'iban', mistakes ? who.iban.replace(/..$/, '00') : who.iban)
	await type(page, 'iban_holder', `${who.first} ${who.last}`)
	await next(page)
	if (mistakes) {
		await wrong(t, page, 'a mistyped IBAN', 1)
		await seen(page, 'the bank with its problem')
		await type(page, 'iban', who.iban)
		await next(page)
	}
	await attach(page, 'RIB', pdf('rib'))
	await goOn(page)
	t.same(step(page), 'attestations', 'last, what one attests')
	if (mistakes) {
		await next(page)
		await seen(page, 'the page to read again, with what is missing')
		await page.goBack()
	}
	await page.locator('input[type=checkbox][name=attest_clinical]').check({ force: true })
	await page.locator('input[type=checkbox][name=attest_truth]').check({ force: true })
	await seen(page, 'the attestations')
	await next(page)
	t.ok(/\/resume/.test(page.url()), 'the last step leads to the page to read again', page.url())
	t.same(await page.locator('.msp-notice--warn').count(), 0, 'nothing is missing any more')
	t.ok(!(await page.locator('main').innerText()).includes(who.nir), 'the page to read again masks the number')
	await seen(page, 'the page to read again')
}

async function commune(page, who) {
	const shown = page.locator('[name=address_commune]:not([type=hidden])')
	if (!await shown.count())
		return
	if (await page.locator(`input[type=radio][name=address_commune][value="${who.commune}"]`).count())
		return choose(page, 'address_commune', who.commune)
	if (await page.locator('select[name=address_commune]').count())
		return page.locator('select[name=address_commune]').selectOption(who.commune)
	await shown.first().fill(who.town)
}
async function row(page, i, from, to, structure) {
	await date(page, `experience[${i}].from`, from)
	await date(page, `experience[${i}].to`, to)
	await type(page, `experience[${i}].structure`, structure)
	await type(page, `experience[${i}].function`, 'Psychologue')
	await choose(page, `experience[${i}].clinical`, 'yes')
	await type(page, `experience[${i}].share`, '100')
}

// Sends the application and waits until its checks are done; gives the file's address.
export async function submit(t, page, seen = nothing, state) {
	await press(page, 'Envoyer ma candidature')
	const file = new URL(page.url()).pathname
	t.ok(/^\/dossiers\/\d+$/.test(file), 'sending leads to the file', file)
	await becomes(page, state)
	await isIn(t, page, state, 'the checks are done')
	await seen(page, `the file, ${state}`)
	return file
}
export const stateOf = page => page.locator('.govuk-tag').first().innerText()
export const isIn = async (t, page, state, sentence) => {
	const now = await stateOf(page)
	t.ok(now === state, sentence, `${now} at ${page.url()}\n${(await page.locator('main').innerText()).slice(0, 800)}`)
}
export async function becomes(page, state, seconds = 30) {
	for (const end = Date.now() + seconds * 1000; await stateOf(page) !== state && Date.now() < end;) {
		await page.waitForTimeout(400)
		await page.reload()
	}
}

// Signs with the code of the inbox.
export async function sign(t, page, file, seen = nothing, then = 'Convention à contresigner') {
	await page.goto(file)
	await seen(page, 'the file, to sign')
	await follow(page, 'Signer la convention')
	await seen(page, 'the page that signs')
	await press(page, 'Recevoir un code')
	await seen(page, 'the page that signs, its code sent')
	await page.locator('input[name=code]').fill('12345')
	await press(page, 'Signer la convention')
	await wrong(t, page, 'a code of five digits', 1)
	await seen(page, 'the page that signs with its problem')
	const action = page.url()
	const code = await codeOf(page, seen)
	await page.goto(action.replace(/\?.*/, ''))
	await page.locator('input[name=code]').fill(code)
	await press(page, 'Signer la convention')
	await isIn(t, page, then, 'the code of the inbox signs the convention')
	await seen(page, 'the file, signed')
}
async function codeOf(page, seen) {
	for (let i = 0; i < 50; i++) {
		await page.goto('/messages')
		const subject = page.locator('main a').filter({ hasText: /code/i }).first()
		if (await subject.count()) {
			await seen(page, 'the inbox')
			await going(subject)
			await seen(page, 'the message with the code')
			const code = (await page.locator('main').innerText()).match(/(?<![-\d])\d{6}(?![-\d])/)
			if (code)
				return code[0]
		}
		await page.waitForTimeout(200)
	}
	throw new Error('no code in the inbox')
}

// ---- without a browser: what a test needs done but does not look at ----------------------------------------------------

const answers = who => ({
	last_name: who.last, first_name: who.first, birth_date: '1985-03-14', email: who.email, phone: '0612345678', nir: who.nir, rpps: who.rpps,
	practice_mode: who.mode ?? 'liberal', address_street: who.street, address_postcode: who.postcode, address_commune: who.commune,
	...(who.mode ? { employer_name: 'Centre de santé des Essais', employer_siret: siret, employer_email: 'direction@exemple.test' } : {}),
	diploma_kind: 'master', diploma_date: '2012-06-30', diploma_place: 'Université de Lille',
	experience: [{ from: '2012-09-01', to: '2023-12-31', structure: 'Centre médico-psychologique, Lille', function: 'Psychologue', clinical: 'yes', share: 100 }],
	public: ['adults'], remote: true, show_email: true, iban: who.iban, bic: 'AGRIFRPP', iban_holder: `${who.first} ${who.last}`,
	attest_clinical: true, attest_truth: true
})

// An account that is open.
export const ctl = (words, input) => execFileSync(process.env.ENROLLCTL, words, { encoding: 'utf8', input })
export const account = who => ctl(['account', 'create', '--email', who.email, '--password-stdin'], `${password}\n`)

// When it is for the service, so many days on; the law's day is that of Paris.
export const instant = days => new Date(Date.parse(JSON.parse(ctl(['tick', '--json'])).now) + days * 86400000)
export const day = days => {
	const [year, month, dayOfMonth] = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Paris' }).format(instant(days)).split('-')
	return [dayOfMonth, month, year]
}

// Applies as `who` through the JSON face and gives the file's path, once it is in `state`.
export async function applied(t, who, state) {
	account(who)
	const page = await t.visitor()
	const request = page.context().request
	const ask = async (method, path, options = {}) => {
		const answer = await request[method](path, {
			...options,
			headers: { accept: 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}), 'idempotency-key': randomUUID() }
		})
		if (!answer.ok())
			throw new Error(`${method} ${path}: ${answer.status()} ${(await answer.text()).slice(0, 500)}`)
		return answer.json()
	}
	let token = ''
	token = (await ask('post', '/connexion', { data: { email: who.email, password } })).token
	const { id } = await ask('post', '/dossiers', { data: {} })
	const { missing } = await ask('post', `/dossiers/${id}/reponses`, { data: answers(who) })
	for (const piece of missing.filter(m => m.startsWith('pieces.'))) {
		const [kind, of] = piece.slice('pieces.'.length).split(':')
		await ask('post', `/dossiers/${id}/pieces`, { multipart: { kind, ...(of ? { for: of } : {}), file: pdf(`${kind} ${who.last}`) } })
	}
	const { version } = await ask('get', `/dossiers/${id}`)
	await ask('post', `/dossiers/${id}/evenements/submit`, { data: { version } })
	for (const end = Date.now() + 30000; ;) {
		const file = await ask('get', `/dossiers/${id}`)
		if (file.state === state)
			break
		if (Date.now() > end)
			throw new Error(`file of ${who.last} is ${file.state}, not ${state}: ${JSON.stringify(file.checks)}`)
		await new Promise(r => setTimeout(r, 200))
	}
	await page.context().close()
	return `/dossiers/${id}`
}

// ---- agents --------------------------------------------------------------------------------------------------------------

// Opens each piece that waits for its scan, with a reason, in its new tab.
export async function openPieces(t, page) {
	const forms = page.locator('form[action$="/ouvrir"]')
	const count = await forms.count()
	for (let i = 0; i < count; i++) {
		const form = forms.nth(i)
		await form.locator('xpath=ancestor::details').locator('summary').click()
		await form.locator('textarea').fill('Examen du dossier')
		const [answer] = await Promise.all([
			page.context().waitForEvent('response', r => r.url().endsWith('/ouvrir')),
			form.locator('button').click()
		])
		if (answer.status() !== 200)
			t.ok(false, 'a piece opens', `${answer.status()} ${answer.url()}`)
		for (const tab of page.context().pages())
			if (tab !== page)
				await tab.close()
	}
	await page.reload()
	return count
}

// What an agent does that is not looked at: the same routes as JSON.
export async function agentFires(page, file, event, body = {}) {
	const url = new URL(file, agentUrl).href, headers = { accept: 'application/json', 'idempotency-key': randomUUID() }
	const { version, pieces } = await (await page.context().request.get(url, { headers })).json()
	if (event === 'approve') {
		for (const { id } of pieces)
			await page.context().request.post(`${url}/pieces/${id}/ouvrir`, { headers, data: { text: 'Examen du dossier' } })
		body = { checklist: Object.fromEntries(checklist.map(name => [name, true])) }
	}
	const answer = await page.context().request.post(`${url}/evenements/${event}`, { headers, data: { version, ...body } })
	if (!answer.ok())
		throw new Error(`${event} of ${file}: ${answer.status()} ${(await answer.text()).slice(0, 500)}`)
	return (await answer.json()).state
}
const checklist = ['identity', 'diploma', 'experience', 'clinical_path', 'address', 'rights', 'bank']

export async function approve(t, page, file, seen = nothing) {
	await page.goto(file)
	t.ok(await openPieces(t, page) >= 5, 'the delegate opens every piece')
	await seen(page, 'the file, its pieces open')
	await follow(page, 'Approuver la candidature')
	await seen(page, 'the checklist')
	await press(page, 'Approuver la candidature')
	t.ok(await page.locator('.govuk-error-summary__list li').count() > 0, 'an unfinished checklist is refused')
	await seen(page, 'the checklist with its problem')
	for (const name of checklist)
		await page.locator(`input[type=checkbox][name="checklist.${name}"]`).check({ force: true })
	await press(page, 'Approuver la candidature')
	await isIn(t, page, 'Convention à signer', 'the delegate approves')
}

// Where no mail leaves, the demonstration keeps it in a folder.
export async function employerLink(address, person = '') {
	const folder = join(process.env.ENROLL_HOME, 'mail')
	for (const end = Date.now() + 20000; Date.now() < end; await new Promise(r => setTimeout(r, 200))) {
		for (const name of readdirSync(folder).sort().reverse()) {
			const raw = readFileSync(join(folder, name), 'utf8')
			const link = decoded(raw).match(/\/convention\/[\w-]{20,}/)
			if (link && raw.includes(address) && decoded(raw).includes(person))
				return link[0]
		}
	}
	throw new Error('no letter to the employer')
}
function decoded(raw) {
	return raw.split(/\r?\n\r?\n/).map((part, i, all) => {
		const head = all[i - 1] ?? ''
		if (/content-transfer-encoding:\s*base64/i.test(head))
			return Buffer.from(part.replace(/--[\s\S]*$/, ''), 'base64').toString('utf8')
		if (/content-transfer-encoding:\s*quoted-printable/i.test(head))
			return part.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, h) => String.fromCharCode(parseInt(h, 16)))
		return part
	}).join('\n')
}
