// What else may happen to an application: it is at nobody's, its checks fail, experts refuse it, two people decide at once,
// an employer signs. Each page and error met is sound.
import { suite } from './lib.mjs'
import { applied, approve, becomes, employerLink, follow, going, press, sign, signIn, isIn, wrong } from './journey.mjs'
import { people } from './people.mjs'

await suite(async t => {
	const seen = (page, name) => t.sound(page, name)

	// Two delegates open the same file; the second is told.
	{
		const file = await applied(t, people.raced, 'in_review')
		const [marc, lea] = [await t.agent('delegue-sans-signature', { javascript: false }), await t.agent('delegue', { javascript: false })]
		await marc.goto(file)
		await lea.goto(file)
		await press(marc, 'Prendre en charge')
		const [answer] = await Promise.all([
			lea.waitForResponse(r => r.url().endsWith('/evenements/claim')),
			press(lea, 'Prendre en charge')
		])
		t.same(answer.status(), 409, 'who takes a file that was just taken is told so')
		t.ok((await lea.locator('main').innerText()).includes('Marc Petit'), 'the page says who was first', await lea.locator('main').innerText())
		await seen(lea, 'the page of a lost race')
		await follow(lea, 'Relire le dossier')
		t.ok((await lea.locator('.msp-standing').innerText()).includes('Suivi par'), 'it leads to the file as it is now')
		await seen(lea, 'the file that another delegate follows')
		await marc.context().close()
		await lea.context().close()
	}

	// A name that differs: an expert reads it; the reason is asked.
	{
		const file = await applied(t, people.married, 'expert_review')
		const eva = await t.agent('expert', { javascript: false })
		await eva.goto('/')
		await seen(eva, 'the expert’s desk')
		await eva.goto('/dossiers')
		await seen(eva, 'the expert’s list')
		await eva.goto(file)
		t.ok(!(await eva.locator('main').innerText()).includes('IBAN'), 'an expert sees nothing of the bank')
		await seen(eva, 'the file, as its expert sees it')
		await follow(eva, 'Reconnaître l’éligibilité')
		await seen(eva, 'the opinion')
		await press(eva, 'Reconnaître l’éligibilité')
		await wrong(t, eva, 'an opinion without a reason', 1)
		await seen(eva, 'the opinion with its problem')
		await eva.locator('[name="opinions[0].text"]').fill('Nom de naissance au répertoire, nom d’usage au dossier : même personne.')
		await press(eva, 'Reconnaître l’éligibilité')
		await isIn(t, eva, 'En instruction à la CPAM', 'the opinion sends the file to the caisse')
		await seen(eva, 'the file, found eligible')
		await eva.context().close()
	}

	// Two experts refuse; the person contests.
	{
		const who = people.unmarried
		const file = await applied(t, who, 'expert_review')
		const [eva, emile] = [await t.agent('expert'), await t.agent('expert-2')]
		await eva.goto(`${file}?action=propose_ineligible`)
		await press(eva, 'Proposer l’inéligibilité')
		await wrong(t, eva, 'a proposal without a reason', 2)
		await seen(eva, 'the proposal with its problems')
		await eva.locator('input[type=checkbox][value=identity_mismatch]').check({ force: true })
		await eva.locator('#text').fill('Le nom du répertoire est celui d’une autre personne.')
		await press(eva, 'Proposer l’inéligibilité')
		await seen(eva, 'the file whose refusal is proposed')
		await emile.goto(file)
		await follow(emile, 'Confirmer l’inéligibilité')
		await seen(emile, 'the confirmation of a refusal')
		await emile.locator('#text').fill('Je confirme : le diplôme porte un autre nom.')
		await press(emile, 'Confirmer l’inéligibilité')
		await isIn(t, emile, 'Refusé', 'the second expert refuses')
		const page = await t.visitor({ javascript: false })
		await signIn(page, who)
		await page.goto(file)
		await isIn(t, page, 'Refusé', 'the person reads the refusal')
		await seen(page, 'the file, refused')
		await page.goto('/messages')
		await going(page.locator('main a[href^="/messages/"]'))
		await seen(page, 'the letter of refusal')
		await page.goto(file)
		await follow(page, 'Former un recours gracieux')
		await seen(page, 'the page of the appeal')
		await press(page, 'Former un recours gracieux')
		await wrong(t, page, 'an appeal without a reason', 1)
		await seen(page, 'the page of the appeal with its problem')
		await page.locator('textarea[name=text]').fill('Je joins mon acte de mariage.')
		await press(page, 'Former un recours gracieux')
		await isIn(t, page, 'Recours gracieux', 'the person contests the refusal')
		await seen(page, 'the file, appealed')
		for (const p of [eva, emile, page])
			await p.context().close()
	}

	// Nobody in the registry has this number: the person maintains it, with a reason.
	{
		const who = people.unknown
		const file = await applied(t, who, 'correction')
		const page = await t.visitor({ javascript: false })
		await signIn(page, who)
		await page.goto(file)
		await seen(page, 'the file whose check fails')
		await follow(page, 'Renvoyer mon dossier complété')
		await seen(page, 'the page that answers a failed check')
		await press(page, 'Renvoyer mon dossier complété')
		t.ok(await page.locator('.govuk-error-summary__list li').count() > 0, 'a point must be corrected or maintained')
		await seen(page, 'the page that answers with its problem')
		for (const box of await page.locator('input[type=checkbox][name$=".maintained"]').all())
			await box.check({ force: true })
		for (const area of await page.locator('textarea[name$="].text"]').all())
			await area.fill('Mon inscription date de la semaine dernière.')
		await press(page, 'Renvoyer mon dossier complété')
		await becomes(page, 'Éligibilité à l’étude')
		await isIn(t, page, 'Éligibilité à l’étude', 'what is maintained is read by a person')
		await seen(page, 'the file at the national desk')
		await page.context().close()
	}

	// Saint-Barthélemy has no caisse of its own in the table: an administrator gives one.
	{
		const who = people.island
		const file = await applied(t, who, 'unrouted')
		const page = await t.visitor()
		await signIn(page, who)
		await page.goto(file)
		await seen(page, 'the file without a caisse')
		const ada = await t.agent('admin', { javascript: false })
		await ada.goto('/dossiers?etat=unrouted')
		await seen(ada, 'the files without a caisse')
		await ada.goto(file)
		await follow(ada, 'Rattacher à cette caisse')
		await seen(ada, 'the form that gives a caisse')
		await press(ada, 'Rattacher à cette caisse')
		await wrong(t, ada, 'a caisse that is not chosen', 2)
		await seen(ada, 'the form that gives a caisse with its problems')
		await ada.locator('#caisse').selectOption('971')
		await ada.locator('#text').fill('La CGSS de la Guadeloupe gère Saint-Barthélemy.')
		await press(ada, 'Rattacher à cette caisse')
		await isIn(t, ada, 'En instruction à la CPAM', 'the administrator gives the file to a caisse')
		await ada.goto('/anomalies')
		await seen(ada, 'the stuck files, as the administrator sees them')
		await page.context().close()
		await ada.context().close()
	}

	// An observer reads and exports his region.
	{
		const rene = await t.agent('region', { javascript: false })
		await rene.goto('/')
		await press(rene, 'Voir les chiffres de ma région').catch(() => follow(rene, 'Voir les chiffres de ma région'))
		await seen(rene, 'the figures of a region')
		for (const path of ['/statistiques.csv', '/statistiques.xlsx']) {
			const answer = await rene.context().request.get(new URL(path, rene.url()).href)
			t.ok(answer.ok() && (await answer.body()).length > 100, `${path} is exported`, String(answer.status()))
		}
		const refused = await rene.goto('/agents')
		t.same(refused.status(), 403, 'an observer does not read the accounts of agents')
		await seen(rene, 'the page that says one may not')
		await rene.context().close()
	}

	// A convention of three: the employer signs too, by the link of a letter.
	{
		const who = people.employed
		const file = await applied(t, who, 'in_review')
		const lea = await t.agent('delegue')
		await lea.goto(file)
		await press(lea, 'Prendre en charge')
		await approve(t, lea, file)
		const page = await t.visitor()
		await signIn(page, who)
		await sign(t, page, file, undefined, 'Convention à signer')
		await page.goto(file)
		await seen(page, 'the file that waits for the employer')
		const boss = await t.visitor({ javascript: false })
		await boss.goto(await employerLink('direction@exemple.test'))
		await seen(boss, 'the employer’s page')
		await t.valid(boss, 'the employer’s page')
		await press(boss, 'Signer la convention pour l’employeur')
		await wrong(t, boss, 'an employer without a code', 1)
		await seen(boss, 'the employer’s page with its problem')
		await press(boss, 'Recevoir un code')
		await seen(boss, 'the employer’s page, its code sent')
		await boss.locator('input[name=code]').fill((await boss.locator('main').innerText()).match(/le code est (\d{6})/)[1])
		await press(boss, 'Signer la convention pour l’employeur')
		t.ok(await boss.getByText('Votre signature est enregistrée').isVisible(), 'the employer signs')
		await seen(boss, 'the employer’s page, signed')
		await page.goto(file)
		await isIn(t, page, 'Convention à contresigner', 'then the caisse has to sign')
		for (const p of [lea, page, boss])
			await p.context().close()
	}
})
