// What needs weeks to pass, and the ways back: it moves the clock of the service, so it runs alone, after the others.
// Who did it (demonstration): Anne-Laure Convention, Karim Contresigne, Hugo Refus, all of the CPAM of Lille-Douai.
import { account, agentFires, applied, ctl, date, day, employerLink, follow, instant, isIn, press, signIn, stateOf, wrong } from './journey.mjs'
import { agentUrl, suite } from './lib.mjs'
import { people } from './people.mjs'

const later = days => ctl(['tick', '--now', instant(days).toISOString().replace(/\.\d+/, '')])

await suite(async t => {
	const seen = (page, name) => t.sound(page, name)
	const [lea, marc] = [await t.agent('delegue', { javascript: false }), await t.agent('delegue-sans-signature', { javascript: false })]
	const found = async q => `/dossiers/${(await (await lea.context().request.get(`${agentUrl}/dossiers?q=${q}`, { headers: { accept: 'application/json' } })).json()).items[0].id}`

	// Back, after a page that told what is wrong: the form is there again, with and without scripts.
	account(people.goesBack)
	for (const javascript of [true, false]) {
		const page = await t.visitor({ javascript }), how = javascript ? 'with scripts' : 'without scripts'
		await signIn(page, people.goesBack)
		await press(page, javascript ? 'Commencer ma candidature' : 'Reprendre ma candidature')
		await page.goto(`${new URL(page.url()).pathname.replace(/\/etapes.*/, '')}/etapes/inscription`)
		await page.locator('[name=rpps]').fill('10001234567')
		await press(page, 'Enregistrer et continuer')
		await wrong(t, page, `a mistyped number, ${how}`, 1)
		await page.locator('[name=rpps]').fill(people.goesBack.rpps)
		await press(page, 'Enregistrer et continuer')
		t.ok(page.url().endsWith('/etapes/exercice'), `the step is left, ${how}`, page.url())
		await page.goBack().catch(error => t.ok(false, `one may go back, ${how}`, error.message))
		t.ok(await page.locator('[name=rpps]').count() === 1, `Back shows the step again, ${how}`, page.url())
		await page.context().close()
	}

	// The employer declines: the file goes back to the caisse.
	{
		const file = await applied(t, people.declined, 'in_review')
		await agentFires(lea, file, 'claim')
		t.same(await agentFires(lea, file, 'approve'), 'to_sign', 'a convention of three waits for its signatures')
		const boss = await t.visitor({ javascript: false })
		await boss.goto(await employerLink('direction@exemple.test', people.declined.last))
		await press(boss, 'Refuser de signer la convention')
		await wrong(t, boss, 'an employer who declines without a word', 1)
		await seen(boss, 'the employer’s page with its problem')
		await boss.locator('textarea[name=text]').fill('Le poste a changé : la convention ne convient plus.')
		await press(boss, 'Refuser de signer la convention')
		await seen(boss, 'the employer’s page, declined')
		await lea.goto(file)
		await isIn(t, lea, 'En instruction à la CPAM', 'what the employer declined is with the caisse again')
		t.ok((await lea.locator('main').innerText()).includes('Le poste a changé'), 'the caisse reads why')
		await boss.context().close()
	}

	// Countersigned; and who may not countersign.
	const karim = await found('Contresigne')
	await marc.goto(`${karim}?action=countersign`)
	t.same(await marc.locator('#action').count(), 0, 'who has no delegation is offered no countersignature')
	await lea.goto(karim)
	await follow(lea, 'Contresigner la convention')
	await seen(lea, 'the countersignature')
	await press(lea, 'Contresigner la convention')
	await wrong(t, lea, 'a countersignature without its date and its reference', 2)
	await seen(lea, 'the countersignature with its problems')
	await lea.locator('#fnps').fill('FNPS-000042')
	await date(lea, 'effective_date', day(1))
	await press(lea, 'Contresigner la convention')
	await isIn(t, lea, 'Conventionné', 'the delegate countersigns')

	// A refusal contested, maintained by another delegate than the one who refused.
	{
		const hugo = await t.visitor({ javascript: false }), file = await found('Refus')
		await signIn(hugo, { email: 'hugo.refus@demo.example', password: 'demonstration-2026' })
		await hugo.goto(`${file}/evenements/appeal`)
		await hugo.locator('textarea[name=text]').fill('Mon parcours est clinique.')
		await press(hugo, 'Former un recours gracieux')
		await lea.goto(`${file}?action=uphold`)
		t.same(await lea.locator('#action').count(), 0, 'who refused does not examine the appeal')
		await marc.goto(file)
		await follow(marc, 'Maintenir la décision')
		await seen(marc, 'the form that maintains a refusal')
		await press(marc, 'Maintenir la décision')
		await wrong(t, marc, 'a refusal maintained without a reason', 1)
		await marc.locator('#text').fill('Les pièces nouvelles ne changent pas l’appréciation.')
		await press(marc, 'Maintenir la décision')
		await isIn(t, marc, 'Refusé', 'the other delegate maintains the refusal')
		await hugo.context().close()
	}

	// Warned, found at fault, suspended or excluded: 30 days between each.
	const anne = await found('Convention')
	const looked = new Set()
	const says = async (file, action, name, sentence) => {
		await lea.goto(file)
		await follow(lea, action)
		if (!looked.has(name))
			await seen(lea, `the form: ${name}`)
		looked.add(name)
		await press(lea, action)
		await wrong(t, lea, `${name} without a word`, await lea.locator('[name="until.day"]').count() + 1)
		await lea.locator('#text').fill(sentence)
	}
	for (const [action, name] of [['Adresser un avertissement', 'a warning'], ['Adresser un relevé de constatations', 'findings']]) {
		for (const file of [anne, karim]) {
			await says(file, action, name, 'Des séances sont facturées au-delà du tarif.')
			await press(lea, action)
			t.same(await stateOf(lea), 'Conventionné', `after ${name} the convention goes on`)
		}
		t.ok((await lea.locator('.msp-actions__not').innerText()).search(/30\sjours/) >= 0, `${name} must be 30 days old before what follows`)
		later(31)
	}
	await says(anne, 'Suspendre la convention', 'a suspension', 'Les faits sont établis.')
	await date(lea, 'until', day(60))
	await press(lea, 'Suspendre la convention')
	await isIn(t, lea, 'Suspendu', 'the delegate suspends a convention')
	await seen(lea, 'the file, suspended')
	await says(karim, 'Exclure du dispositif', 'an exclusion', 'Les faits sont établis et répétés.')
	await press(lea, 'Exclure du dispositif')
	await isIn(t, lea, 'Convention terminée', 'the delegate excludes from the scheme')
	await seen(lea, 'the file, excluded')
})
