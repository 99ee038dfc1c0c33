// What agents see and do, on the demonstration's files: every page sound, every journey with a keyboard's means and without
// JavaScript.
import { press } from './journey.mjs'
import { agentUrl, suite } from './lib.mjs'

const json = async (page, path) => (await page.context().request.get(agentUrl + path, { headers: { accept: 'application/json' } })).json()
const first = async (page, state, keep = () => true) => (await json(page, `/dossiers?etat=${state}`)).items.find(keep)

await suite(async t => {
	const look = async (page, path, title) => {
		const answer = await page.goto(path)
		if (!t.same(answer.status(), 200, `${title} answers`))
			return false
		await t.sound(page, title)
		await t.valid(page, title)
		return true
	}

	// ---- every page of every role
	const delegate = await t.agent('delegue')
	await look(delegate, '/', 'the delegate\'s desk')
	await look(delegate, '/dossiers', 'the delegate\'s queue')
	await look(delegate, '/dossiers?q=zzzz', 'a search that finds nothing')
	await look(delegate, '/anomalies', 'the page of stuck files')
	const seen = new Set()
	for (const { state, id } of (await json(delegate, '/dossiers')).items.filter((x, i, all) => all.findIndex(y => y.state === x.state) === i)) {
		await look(delegate, `/dossiers/${id}`, `a file in ${state}`)
		for (const action of (await json(delegate, `/dossiers/${id}`)).actions.filter(x => !seen.has(x))) {
			seen.add(action)
			await look(delegate, `/dossiers/${id}?action=${action}`, `the form of ${action} in ${state}`)
		}
	}
	await delegate.context().close()
	const expert = await t.agent('expert')
	await look(expert, '/', 'the expert\'s desk')
	const studied = await first(expert, 'expert_review')
	for (const action of (await json(expert, `/dossiers/${studied.id}`)).actions)
		await look(expert, `/dossiers/${studied.id}?action=${action}`, `the expert's form of ${action}`)
	await expert.goto(`/dossiers/${studied.id}`)
	const said = /.{0,40}(IBAN|sécurité sociale|Vitale|RIB|bancaire).{0,40}/.exec(await expert.locator('main').innerText())
	t.ok(!said, 'an expert\'s page says nothing of bank or health card', said?.[0])
	await expert.context().close()
	const chief = await t.agent('admin')
	await look(chief, '/', 'the administrator\'s desk')
	await look(chief, '/dossiers', 'the administrator\'s list')
	await look(chief, '/agents', 'the accounts of agents')
	await look(chief, '/reglages', 'the settings')
	await look(chief, `/dossiers/${(await first(chief, 'unrouted')).id}?action=route`, 'the form that gives a file to a caisse')
	await chief.context().close()
	const region = await t.agent('region')
	await look(region, '/', 'the observer\'s desk')
	await region.goto('/dossiers')
	t.ok(region.url().endsWith('/statistiques'), 'an observer who asks for files is led to the figures')
	await region.context().close()

	// ---- a delegate takes the next file, finds it in the list, asks for corrections
	const page = await t.agent('delegue', { javascript: false })
	await page.goto('/dossiers')
	await t.sound(page, 'the queue')
	await press(page, 'Prendre le dossier suivant')
	t.ok(/\/dossiers\/\d+$/.test(page.url()), 'taking the next file opens it', page.url())
	t.ok(await page.getByText('Vous suivez ce dossier').count() === 1, 'it says that the file is hers now')
	const file = page.url().replace(/.*\//, '')
	const { number } = await json(page, `/dossiers/${file}`)

	await page.goto('/dossiers')
	await page.getByRole('searchbox', { name: 'Chercher' }).fill(number.toLowerCase())
	await press(page, 'Afficher')
	t.same(await page.locator('tbody tr').count(), 1, 'a file is found by its number, in small letters')
	t.ok(page.url().includes('q='), 'the filter stands in the URL')

	const piece = (await json(page, `/dossiers/${file}`)).pieces[0]
	const refused = await page.context().request.get(`${agentUrl}/dossiers/${file}/pieces/${piece.id}`, { headers: { accept: 'application/json' } })
	if (piece.scan === 'waiting')
		t.same(refused.status(), 409, 'a piece that waits for its scan does not open by itself')
	else
		t.ok(refused.status() === 200 && /sandbox/.test(refused.headers()['content-security-policy']), 'a scanned piece opens, sandboxed')

	await page.goto(`/dossiers/${file}?action=ask_correction`)
	await page.getByLabel('Réponse concernée').selectOption('diploma_place')
	await page.getByLabel('Ce que vous attendez').fill('Le nom entier de l’université.')
	await press(page, 'Ajouter un point')
	t.same(await page.getByRole('group', { name: /^Point \d$/ }).count(), 2, 'a row is added without JavaScript')
	t.same(await page.getByLabel('Ce que vous attendez').first().inputValue(), 'Le nom entier de l’université.', 'what was typed stays')
	await page.getByLabel('ou pièce concernée').nth(1).selectOption('identity')
	await page.getByLabel('Ce que vous attendez').nth(1).fill('Le verso manque.')
	await press(page, 'Demander des compléments')
	t.ok(await page.locator('.govuk-error-summary').count() === 1, 'a missing reason is told')
	t.same(await page.getByLabel('Ce que vous attendez').nth(1).inputValue(), 'Le verso manque.', 'and nothing typed is lost')
	await t.sound(page, 'the refused form')
	const target = await page.locator('.govuk-error-summary a').first().getAttribute('href')
	t.ok(await page.locator(target).count() === 1, 'its list of problems leads to the field', target)
	for (const i of [0, 1])
		await page.getByLabel('Motif').nth(i).selectOption(i ? 'piece_missing' : 'other')
	await press(page, 'Demander des compléments')
	t.same((await json(page, `/dossiers/${file}`)).state, 'correction', 'corrections are asked')
	t.ok(await page.getByText('Le verso manque.').count() > 0, 'the page shows what was asked')
	await page.context().close()

	// ---- two experts: one proposes, the other objects
	const [one, two] = [await t.agent('expert', { javascript: false }), await t.agent('expert-2', { javascript: false })]
	const { id } = await first(one, 'expert_review')
	const proposed = (await json(one, `/dossiers/${id}`)).actions.includes('propose_ineligible')
	if (proposed) {
		await one.goto(`/dossiers/${id}?action=propose_ineligible`)
		await one.locator('input[type=checkbox]').first().check()
		await one.locator('#text').fill('Le diplôme ne suffit pas.')
		await press(one, 'Proposer l’inéligibilité')
		t.ok((await json(two, `/dossiers/${id}`)).actions.includes('object'), 'another expert may object')
		t.ok(!(await json(one, `/dossiers/${id}`)).actions.includes('object'), 'who proposed may not')
		await two.goto(`/dossiers/${id}?action=object`)
		await two.locator('#text').fill('Le diplôme suffit.')
		await press(two, 'Contester la proposition')
		t.ok(await two.getByText('Proposition d’inéligibilité contestée').count() === 1, 'the history tells it')
	}

	// ---- a race: who comes second is told who was first, and what was typed is kept
	const admin = await t.agent('admin', { javascript: false })
	const lost = await t.agent('admin', { javascript: false })
	const unrouted = await first(admin, 'unrouted')
	for (const p of [admin, lost]) {
		await p.goto(`/dossiers/${unrouted.id}?action=route`)
		await p.locator('#caisse').selectOption('595')
		await p.locator('#text').fill('La commune dépend de Lille.')
	}
	await press(admin, 'Rattacher à cette caisse')
	t.same((await json(admin, `/dossiers/${unrouted.id}`)).state, 'in_review', 'an administrator gives a file to a caisse')
	const [answer] = await Promise.all([lost.waitForResponse(r => r.request().method() === 'POST'),
		lost.getByRole('button', { name: 'Rattacher à cette caisse' }).click()])
	t.same(answer.status(), 409, 'the second decision on the same version is refused')
	t.ok(await lost.getByText('La commune dépend de Lille.').count() > 0, 'with what was typed')

	// ---- keyboard
	const keys = await t.agent('delegue')
	await keys.goto('/dossiers')
	const walked = await t.tabs(keys, 40)
	t.ok(walked.some(x => x.startsWith('a MSP-')) && walked.some(x => x.includes('Prendre le dossier suivant')), 'the queue is walked with the keyboard', walked.join('\n'))
})
