// The public pages, with and without JavaScript: what anybody sees first.
import { press } from './journey.mjs'
import { publicUrl, suite } from './lib.mjs'

const pages = [
	['/', 'the home page'],
	['/eligibilite', 'the self-test'],
	['/annuaire', 'the directory'],
	['/statistiques', 'the figures'],
	['/accessibilite', 'the accessibility statement'],
	['/mentions-legales', 'the legal notice'],
	['/donnees-personnelles', 'the page on personal data'],
	['/connexion', 'the sign-in page'],
	['/compte', 'the page that opens an account']
]

await suite(async t => {
	const response = await (await t.visitor()).goto('/')
	const headers = response.headers()
	t.ok(/default-src 'none'/.test(headers['content-security-policy']) && !/unsafe/.test(headers['content-security-policy']),
		'the CSP lets nothing in but our own', headers['content-security-policy'])
	t.ok(headers['strict-transport-security'], 'HSTS is sent')
	t.same(headers['x-content-type-options'], 'nosniff', 'types are not guessed')

	for (const javascript of [true, false]) {
		const page = await t.visitor({ javascript })
		for (const [path, title] of pages) {
			const answer = await page.goto(path)
			if (!t.same(answer.status(), 200, `${title} answers${javascript ? '' : ' without JavaScript'}`))
				continue
			await t.sound(page, title)
			if (javascript)
				await t.valid(page, title)
		}
		await page.context().close()
	}

	const page = await t.visitor({ javascript: false })
	const answer = await page.goto('/cette-page-n-existe-pas')
	t.same(answer.status(), 404, 'a page that does not exist says so')
	await t.sound(page, 'the page for what does not exist')

	// A commune with a slip in its name, and the address of an action.
	await page.goto('/annuaire')
	await page.locator('input[name=q]').fill('Marseile')
	await press(page, 'Chercher')
	t.same(await page.locator('#choix').innerText(), 'Aucune commune ne s’appelle «\u00a0Marseile\u00a0». Vouliez-vous dire\u00a0:',
		'a commune with a slip in its name is told to be unknown, and what it may have been')
	await t.sound(page, 'the communes of nearly that name')
	await page.getByRole('link', { name: /^Marseille \(/ }).click()
	t.ok(/commune=13055/.test(page.url()) && /Marseille/.test(await page.locator('#resultats').innerText()), 'one of them is chosen', page.url())
	t.same((await page.goto('/dossiers/12/code')).status(), 405, 'an action’s address is no page')
	t.same(await page.getByRole('link', { name: 'Revenir à la page de cette action' }).getAttribute('href'), '/dossiers/12', 'but leads to its file')
	await t.sound(page, 'the page for the address of an action')

	// The self-test, all without JavaScript.
	await page.goto('/eligibilite')
	await press(page, 'Voir le résultat')
	t.same(await page.locator('.govuk-error-summary__list a').count(), 5, 'the self-test without an answer lists its five questions')
	await page.locator('.govuk-error-summary__list a').first().click()
	t.same(await page.evaluate(() => document.querySelector(':target')?.name), 'diplome', 'the list leads to the question')
	for (const name of ['diplome', 'ars', 'experience', 'parcours', 'exercice'])
		await page.locator(`input[name=${name}][value=oui]`).check({ force: true })
	await press(page, 'Voir le résultat')
	t.ok(await page.locator('#resultat').getByText('Oui, d’après vos réponses').isVisible(), 'the self-test says yes when every condition holds')
	t.ok(await page.locator('input[name=experience][value=oui]').isChecked(), 'the self-test keeps the answers on its page')
	await t.sound(page, 'the result of the self-test')
	await page.locator('input[name=experience][value=partie]').check({ force: true })
	await press(page, 'Voir le résultat')
	t.ok(await page.locator('#resultat').getByText('Peut-être').isVisible(), 'the self-test says maybe for partly clinical work')
	await page.locator('input[name=experience][value=non]').check({ force: true })
	await press(page, 'Voir le résultat')
	t.ok(await page.locator('#resultat').getByText('Pas encore').isVisible(), 'the self-test says not yet without three years')
	t.same((await page.context().cookies()).length, 0, 'the public pages set no cookie')

	// Keyboard: the first stop is the skip link, and it works.
	const keys = await t.visitor()
	await keys.goto('/')
	const first = await t.tabs(keys, 1)
	t.ok(first[0].includes('Aller au contenu'), 'the first stop of the keyboard is the skip link', first[0])
	await keys.keyboard.press('Enter')
	t.same(await keys.evaluate(() => document.activeElement.id), 'contenu', 'the skip link leads to the content')
	await keys.goto('/eligibilite')
	t.same(await keys.locator('.govuk-service-navigation__link[aria-current=page]').innerText(), 'Puis-je participer\u00a0?', 'the menu says where one is')
	await keys.setViewportSize({ width: 320, height: 700 })
	await keys.reload()
	const menu = keys.getByRole('button', { name: 'Menu' })
	t.same(await menu.getAttribute('aria-expanded'), 'false', 'on a phone the menu is folded')
	await menu.click()
	t.ok(await keys.getByRole('link', { name: 'Annuaire' }).isVisible(), 'the menu unfolds')

	// Weight of a first view, as it travels.
	const light = await t.visitor()
	let bytes = 0
	const sizes = []
	light.on('requestfinished', request => sizes.push(request.sizes().then(s => bytes += s.responseBodySize + s.responseHeadersSize)))
	await light.goto('/', { waitUntil: 'networkidle' })
	await Promise.all(sizes)
	t.ok(bytes > 0 && bytes < 100000, `a first view weighs less than 100 kB (${bytes} bytes from ${new URL(publicUrl).pathname})`)
})
