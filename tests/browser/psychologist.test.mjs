// What a psychologist sees: the account, the steps with and without scripts, a file in each state, messages, the profile.
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { going, press } from './journey.mjs'
import { suite } from './lib.mjs'

const password = 'demonstration-2026'
const folder = mkdtempSync(join(tmpdir(), 'enroll-pieces-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

// The smallest PDF that qpdf finds nothing to say about.
const pdfName = 'pièce d’essai IMG_20261122_093012345_carte_identite_recto_verso_definitif_v2.pdf' // as a telephone says it
const pdf = join(folder, pdfName)
// `filling`: bytes of one more object, which no page uses.
function writePdf(path, filling = 0) {
	let body = '%PDF-1.4\n'
	const at = []
	for (const [i, object] of ['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Kids[3 0 R]/Count 1>>',
		'<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>',
		...(filling ? [`<</Length ${filling}>>stream\n${Array.from({ length: filling }, (_, i) => i * 7 % 10).join('')}\nendstream\n`] : [])].entries()) {
		at.push(body.length)
		body += `${i + 1} 0 obj${object}endobj\n`
	}
	const xref = body.length
	body += `xref\n0 ${at.length + 1}\n0000000000 65535 f \n${at.map(n => `${String(n).padStart(10, '0')} 00000 n \n`).join('')}`
	body += `trailer<</Size ${at.length + 1}/Root 1 0 R>>\nstartxref\n${xref}\n%%EOF\n`
	writeFileSync(path, body)
}
writePdf(pdf)
const large = join(folder, 'grande pièce.pdf')
writePdf(large, 3 << 20)
const text = join(folder, 'lettre.txt')
writeFileSync(text, 'Bonjour')

async function signIn(page, email, secret = password) {
	await page.goto('/connexion')
	await page.getByLabel('Adresse électronique').fill(email)
	await page.getByLabel('Mot de passe', { exact: true }).fill(secret)
	await press(page, 'Se connecter')
	await page.waitForURL('**/dossiers')
}

// A large file whose network goes in its middle, then one whose page is loaded again: what was acknowledged is not sent again.
async function cuts(t, page) {
	const acknowledged = []
	const slice = 512 * 1024
	page.on('response', r => {
		if (r.request().method() === 'PATCH' && r.ok())
			acknowledged.push(Number(r.request().headers()['upload-offset']))
	})
	// The slice at that offset meets `what` the first time.
	const meet = async (offset, what) => {
		let met
		const done = new Promise(resolve => { met = resolve })
		await page.route('**/envois/*', async route => {
			if (met && route.request().method() === 'PATCH' && route.request().headers()['upload-offset'] === String(offset)) {
				const tell = met
				met = undefined
				await what(route)
				tell()
			} else {
				await route.continue()
			}
		})
		return { done }
	}
	const place = kind => page.locator(`#piece-${kind}`)
	const came = async (kind, sentence) => {
		await place(kind).getByRole('link', { name: 'grande pièce.pdf' }).waitFor()
		const got = await page.request.get(await place(kind).getByRole('link', { name: 'grande pièce.pdf' }).getAttribute('href'))
		t.ok((await got.body()).equals(readFileSync(large)), sentence)
		t.ok(acknowledged.length > 3 && acknowledged.every((at, i) => !i || at > acknowledged[i - 1]),
			`${sentence}: no slice that was acknowledged is sent again`, acknowledged)
		await page.unroute('**/envois/*')
		acknowledged.length = 0
	}

	const offline = await meet(3 * slice, async route => {
		await page.context().setOffline(true)
		await route.abort('internetdisconnected')
	})
	await place('identity').locator('input[type=file]').setInputFiles(large)
	await place('identity').getByRole('button', { name: /Envoyer ce fichier/ }).click()
	await place('identity').getByText(/Connexion perdue.: l’envoi reprendra tout seul\./).waitFor()
	await offline.done
	t.ok(/^Connexion perdue/.test(await place('identity').locator('[role=status]').innerText()), 'a cut is told in a live region')
	const told = await t.axe(page)
	t.ok(told.length === 0, 'the page of an upload that was cut is accessible', told.join('\n'))
	await page.context().setOffline(false)
	await came('identity', 'an upload goes on by itself once the network is back, byte for byte')

	const held = await meet(2 * slice, () => {})
	await place('rights').locator('input[type=file]').setInputFiles(large)
	await place('rights').getByRole('button', { name: /Envoyer ce fichier/ }).click()
	await held.done
	await page.unroute('**/envois/*')
	await page.goto(page.url().replace(/#.*/, ''))
	await place('rights').locator('input[type=file]').setInputFiles(large)
	await place('rights').getByText('il reprendra où il en est').waitFor()
	t.ok(!/grande|pièce/.test(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))), 'what is remembered of it names no file')
	await place('rights').getByRole('button', { name: /Envoyer ce fichier/ }).click()
	await came('rights', 'an upload goes on after its page was loaded again')
}

// The one file of a person of the demonstration.
async function ownFile(page) {
	await page.goto('/dossiers')
	const href = await page.locator('a[href^="/dossiers/"]').first().getAttribute('href')
	await page.goto(href)
	return href
}

async function looked(t, page, name) {
	await t.sound(page, name)
	await t.valid(page, name)
}

function luhn(digits) {
	let total = 0
	for (const [i, c] of [...digits].reverse().entries()) {
		const n = Number(c) * (i % 2 ? 1 : 2)
		total += n > 9 ? n - 9 : n
	}
	return digits + (10 - total % 10) % 10
}
const key97 = n13 => n13 + String(97 - Number(BigInt(n13) % 97n)).padStart(2, '0')

await suite(async t => {
	// ---- an account, without scripts
	const email = `psychologue.au-nom-compose.et-long.${Date.now()}@cabinet-de-psychologie.exemple.fr`
	let secret = 'une phrase assez longue'
	let page = await t.visitor({ javascript: false })
	await page.goto('/compte')
	await looked(t, page, 'the account page')
	await page.getByLabel('Adresse électronique').fill('pas une adresse')
	await page.getByLabel('Mot de passe', { exact: true }).fill('court')
	await press(page, 'Créer mon compte')
	t.same(await page.locator('.govuk-error-summary a').count(), 2, 'two problems are listed and linked')
	t.same(await page.getByLabel('Adresse électronique').inputValue(), 'pas une adresse', 'what was typed is still there')
	await t.sound(page, 'the account page with problems')
	await page.getByLabel('Adresse électronique').fill(email)
	await page.getByLabel('Mot de passe', { exact: true }).fill(secret)
	await press(page, 'Créer mon compte')
	await t.sound(page, 'the page after asking for an account')
	const link = await page.locator('a[href^="/compte/confirmation/"]').getAttribute('href') // shown by the demonstration only
	await page.goto(link)
	await page.goto(link)
	await looked(t, page, 'the confirmation page')
	await press(page, 'Confirmer mon adresse')
	t.same(await page.locator('h1').textContent(), 'Votre adresse est confirmée', 'the button confirms, however often the link was opened')
	await page.goto('/connexion?suite=%2Fmessages')
	await looked(t, page, 'the sign-in page')
	await page.getByLabel('Adresse électronique').fill(email)
	await page.getByLabel('Mot de passe', { exact: true }).fill('autre chose')
	await press(page, 'Se connecter')
	await t.sound(page, 'a refused sign-in')
	await page.getByLabel('Adresse électronique').fill(email)
	await page.getByLabel('Mot de passe', { exact: true }).fill(secret)
	await press(page, 'Se connecter')
	t.ok(page.url().endsWith('/messages'), 'signing in goes on to what was asked for', page.url())
	await looked(t, page, 'the inbox')
	await going(page.getByRole('link', { name: 'Mon compte' }))
	await looked(t, page, 'one’s own account')
	await going(page.getByRole('link', { name: 'Changer mon mot de passe' }))
	await looked(t, page, 'the change of a password')
	const changed = 'quatre mots sans lien'
	for (const [current, next, problems] of [['autre chose', 'court', 1], ['autre chose', changed, 1], [secret, changed, 0]]) {
		await page.getByLabel('Mot de passe actuel').fill(current)
		await page.getByLabel('Nouveau mot de passe').fill(next)
		await press(page, 'Enregistrer ce mot de passe')
		t.same(await page.locator('.govuk-error-summary a').count(), problems, `a change of password to « ${next} » tells ${problems} problems`)
		await t.sound(page, problems ? `the change of a password to « ${next} »` : 'a changed password')
	}
	t.same(await page.locator('h1').textContent(), 'Votre mot de passe est changé', 'the old password changes it')
	secret = changed

	// ---- the steps, without scripts
	await page.goto('/dossiers')
	await press(page, 'Commencer ma candidature')
	const file = new URL(page.url()).pathname
	await looked(t, page, 'a new draft')
	t.ok(await page.getByText('NON ENVOYÉ.').isVisible(), 'a draft says that it is not sent')
	await press(page, 'Commencer à répondre')
	await looked(t, page, 'the first step')
	t.ok(/Étape\s1 sur\s8/.test(await page.locator('.msp-progress').textContent()), 'the progress counts the steps that are asked')
	await page.getByLabel('Nom', { exact: true }).fill('Durand')
	await page.getByLabel('Prénom').fill('Lou')
	await page.getByLabel('Jour').fill('31')
	await page.getByLabel('Mois').fill('2')
	await page.getByLabel('Année').fill('1985')
	await press(page, 'Enregistrer et continuer')
	t.same(await page.getByLabel('Jour').inputValue(), '31', 'a date that does not exist comes back as it was typed')
	await t.sound(page, 'a step with problems')
	await page.getByLabel('Jour').fill('21')
	await page.getByLabel('Mois').fill('11')
	await page.getByLabel('Adresse électronique').fill(email)
	await page.getByLabel('Téléphone').fill('06 12 34 56 78')
	await page.getByLabel('Numéro de sécurité sociale').fill(key97(`28511593500${String(Date.now() % 90 + 10)}`))
	await press(page, 'Enregistrer et continuer')
	t.ok(page.url().endsWith('/etapes/identite/pieces'), 'its pieces follow the answers', page.url())
	await looked(t, page, 'the pieces of a step')
	const identity = page.locator('#piece-identity')
	await identity.locator('input[type=file]').setInputFiles(text)
	await press(identity, /Envoyer ce fichier/)
	t.ok(/PDF/.test(await page.locator('.govuk-error-summary').textContent()), 'a text is refused as a piece, with what to do')
	await t.sound(page, 'a refused piece')
	await page.locator('#piece-identity input[type=file]').setInputFiles(pdf)
	await going(page.locator('#piece-identity').getByRole('button', { name: /Envoyer ce fichier/ }))
	t.ok(await page.locator('#piece-identity').getByRole('link', { name: pdfName }).isVisible(), 'the piece is there', await page.locator('main').innerText())
	await t.sound(page, 'the pieces of a step with a file')
	await page.goto(`${file}/etapes/inscription`)
	await page.getByLabel('Numéro RPPS').fill(luhn(`1${String(Date.now()).slice(-9)}`))
	await press(page, 'Enregistrer et continuer')
	await looked(t, page, 'the step of the place')
	await page.getByLabel('Libéral', { exact: true }).check()
	await page.getByLabel('Numéro et voie', { exact: true }).fill('1 rue des Essais')
	await page.getByLabel('Code postal', { exact: true }).fill('62120')
	await press(page, 'Enregistrer et continuer')
	await t.sound(page, 'the choice of a commune')
	await page.getByLabel('Commune', { exact: true }).selectOption({ label: 'Aire-sur-la-Lys (62120, Pas-de-Calais)' })
	await press(page, 'Enregistrer et continuer')
	t.ok(page.url().endsWith('/etapes/diplome'), 'a commune is chosen from a list, without a script', page.url())
	await page.goto(`${file}/etapes/experience`)
	await looked(t, page, 'the step of the experience')
	await press(page, 'Ajouter une période')
	t.same(await page.locator('fieldset.msp-row').count(), 2, 'a period is added without a script')
	await page.getByLabel('Structure').nth(1).fill('Clinique B')
	await press(page, /Retirer/)
	t.same(await page.getByLabel('Structure').first().inputValue(), 'Clinique B', 'a period is taken away without a script')
	await page.goto(`${file}/resume`)
	await looked(t, page, 'the summary')
	await press(page, 'Envoyer ma candidature')
	t.ok(await page.locator('.govuk-error-summary a').count() > 5, 'sending too early lists what is missing, linked')
	await t.sound(page, 'the summary with problems')
	await going(page.locator('.govuk-error-summary a'))
	t.ok(/\/etapes\//.test(page.url()), 'a problem leads to the page where it is put right', page.url())
	await page.goto('/dossiers')
	t.same(await page.locator('main form button').innerText(), 'Reprendre ma candidature', 'the list of one’s files offers to go on with the draft')
	await page.goto(file)
	await going(page.getByRole('link', { name: 'Supprimer ce brouillon' }))
	await looked(t, page, 'the page that discards a draft')
	await press(page, 'Supprimer ce brouillon')
	t.ok(page.url().endsWith('/dossiers'), 'a draft is discarded', page.url())
	await page.context().close()

	// ---- a session that ended keeps what was being sent
	page = await t.visitor()
	await signIn(page, email, secret)
	await press(page, 'Commencer ma candidature')
	await press(page, 'Commencer à répondre')
	await page.getByLabel('Nom', { exact: true }).fill('Durand')
	await page.waitForFunction(() => /Enregistré à/.test(document.querySelector('.msp-autosave')?.textContent ?? ''))
	t.ok(true, 'answers are saved while one types')
	await t.sound(page, 'a step that saves itself')
	await page.getByLabel('Prénom').fill('Lou')
	await page.context().clearCookies()
	await press(page, 'Enregistrer et revenir plus tard')
	await t.sound(page, 'the sign-in that a step waits behind')
	await page.getByLabel('Adresse électronique').fill(email)
	await page.getByLabel('Mot de passe', { exact: true }).fill(secret)
	await press(page, 'Se connecter')
	await page.waitForURL(/\/dossiers\/\d+/)
	await page.goto(`${new URL(page.url()).pathname.replace(/\/etapes.*/, '')}/etapes/identite`)
	t.same(await page.getByLabel('Prénom').inputValue(), 'Lou', 'what was sent when the session had ended is saved after signing in')
	await page.goto(page.url() + '/pieces')
	await press(page.locator('#piece-rights'), /Envoyer ce fichier/)
	t.ok(/Choisissez un fichier/.test(await page.locator('.govuk-error-summary').textContent()), 'nothing chosen is told')
	await page.locator('#piece-rights input[type=file]').setInputFiles(text)
	await page.locator('#piece-rights form[data-upload]').evaluate(form => form.requestSubmit()) // two clicks in a second would be one
	await page.locator('#piece-rights .msp-autosave--error').waitFor()
	t.same(await page.getByText(/Choisissez un fichier/).count(), 0, 'what a later try says takes the place of what an earlier one said')
	t.ok(!/^Erreur/.test(await page.title()), 'also in the title', await page.title())
	await page.locator('#piece-rights input[type=file]').setInputFiles(pdf)
	await going(page.locator('#piece-rights').getByRole('button', { name: /Envoyer ce fichier/ }))
	await page.locator('#piece-rights').getByRole('link', { name: pdfName }).waitFor()
	t.ok(true, 'a piece is sent with its progress shown')
	const pieces = page.url()
	await page.locator('#piece-identity input[type=file]').setInputFiles(text)
	await page.getByRole('button', { name: 'Continuer' }).click()
	await page.locator('#piece-identity .msp-autosave--error').waitFor()
	t.same(page.url(), pieces, 'who goes on with a file that is refused is told, and stays')
	await page.locator('#piece-identity input[type=file]').setInputFiles(pdf)
	await going(page.getByRole('button', { name: 'Continuer' }))
	t.ok(page.url().includes('/etapes/inscription'), 'who goes on with a file chosen and not sent goes on', page.url())
	await page.goto(pieces)
	t.ok(await page.locator('#piece-identity').getByRole('link', { name: pdfName }).isVisible(), 'and the file is there')
	await cuts(t, page)
	await page.context().close()

	// ---- files in each state
	for (const [name, who, states] of [
		['in correction', 'nadia.complement', ['resubmit']],
		['in review', 'thomas.examen', ['withdraw']],
		['to sign', 'elise.signature', ['sign']],
		['to countersign', 'karim.contresigne', []],
		['under convention', 'anne.convention', ['amend', 'resign', 'observe']],
		['refused', 'hugo.refus', ['appeal']]
	]) {
		page = await t.visitor()
		await signIn(page, `${who}@demo.example`)
		await t.sound(page, `the list of files of a file ${name}`)
		const href = await ownFile(page)
		await looked(t, page, `a file ${name}`)
		t.ok(await page.locator('.msp-standing').getByText('Qui agit').isVisible(), `a file ${name} says who must act`)
		for (const event of states) {
			await page.goto(`${href}/evenements/${event}`)
			await looked(t, page, `the page of ${event}`)
		}
		await page.goto(`${href}/resume`)
		await looked(t, page, `the answers of a file ${name}`)
		await page.goto('/messages')
		await looked(t, page, `the inbox of a file ${name}`)
		const letter = page.locator('main a[href^="/messages/"]').first()
		if (await letter.count()) {
			await going(letter)
			await looked(t, page, `a message of a file ${name}`)
		}
		if (name === 'under convention') {
			await page.goto(`${href}/profil`)
			await looked(t, page, 'the directory profile')
			await press(page, 'Tout est toujours exact')
			t.ok(await page.getByText('Votre fiche est enregistrée').isVisible(), 'the profile is confirmed')
		}
		await page.context().close()
	}
})
