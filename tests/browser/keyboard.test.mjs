// The application with nothing but a keyboard: Tab, Shift+Tab, letters, Space, arrows and Enter, and a visible focus on the way.
import { suite } from './lib.mjs'
import { account, becomes, isIn, step } from './journey.mjs'
import { password, pdf, people } from './people.mjs'

await suite(async t => {
	const who = people.keyboard
	account(who)
	const page = await t.visitor()
	const unseen = new Set()

	// Tabs on until what has the focus matches; a walk that comes round without it fails.
	async function reach(selector) {
		for (let i = 0; i < 200; i++) {
			await page.keyboard.press('Tab')
			const at = await page.evaluate(wanted => {
				const e = document.activeElement
				const near = e.closest('.govuk-radios__item, .govuk-checkboxes__item')?.querySelector('label') ?? e
				const shown = [near, e].some(x => ['', '::before'].some(part => {
					const s = getComputedStyle(x, part || undefined)
					return s.outlineStyle !== 'none' && s.outlineWidth !== '0px' || s.boxShadow !== 'none'
				}))
				return { here: e.matches(wanted), shown, what: `${e.tagName} ${e.name ?? ''} ${(e.textContent ?? '').trim().slice(0, 30)}` }
			}, selector)
			if (!at.shown)
				unseen.add(at.what)
			if (at.here)
				return
		}
		throw new Error(`the keyboard does not reach ${selector}`)
	}
	const go = async () => {
		await Promise.all([page.waitForEvent('domcontentloaded'), page.keyboard.press('Enter')])
		await page.waitForLoadState('load')
	}
	const type = async (name, value) => {
		await reach(`[name="${name}"]:not([type=hidden])`)
		await page.keyboard.press('Control+A')
		await page.keyboard.type(value)
	}
	const date = async (name, parts) => {
		for (const [i, part] of ['day', 'month', 'year'].entries())
			await type(`${name}.${part}`, parts[i])
	}
	const press = async words => {
		await page.evaluate(w => {
			for (const e of document.querySelectorAll('button, a'))
				e.toggleAttribute('data-wanted', e.textContent.trim().startsWith(w))
		}, words)
		await reach('[data-wanted]')
		await go()
	}
	const attach = async (slot, file) => {
		await reach(`#${slot} input[type=file]`)
		let chooser
		// Chromium opens its window only some time after the page is shown.
		for (let i = 0; i < 5 && !chooser; i++)
			chooser = (await Promise.all([page.waitForEvent('filechooser', { timeout: 2000 }).catch(() => null), page.keyboard.press('Space')]))[0]
		await chooser.setFiles(file)
		await reach(`#${slot} form[data-upload] button`)
		await go()
	}
	const tick = async selector => {
		await reach(selector)
		await page.keyboard.press('Space')
	}

	await page.goto('/connexion')
	await type('email', who.email)
	await type('password', password)
	await go()
	await press('Commencer ma candidature')
	await press('Commencer à répondre')
	t.same(step(page), 'identite', 'Enter leads to the first step')
	await type('last_name', who.last)
	await type('first_name', who.first)
	await date('birth_date', ['14', '3', '1985'])
	await type('email', who.email)
	await type('phone', '0612345678')
	await type('nir', '1')
	await press('Enregistrer et continuer')
	t.ok(await page.evaluate(() => document.activeElement.classList.contains('govuk-error-summary')), 'after an error the focus is on the summary')
	await reach('.govuk-error-summary a')
	await page.keyboard.press('Enter')
	t.same(await page.evaluate(() => document.activeElement.name), 'nir', 'Enter on a problem leads into its field')
	await page.keyboard.press('Control+A')
	await page.keyboard.type(who.nir)
	await press('Enregistrer et continuer')
	await attach('piece-identity', pdf('identite'))
	await attach('piece-rights', pdf('droits'))
	await press('Continuer')
	await type('rpps', who.rpps)
	await press('Enregistrer et continuer')
	await tick('[name=practice_mode]')
	await type('address_street', who.street)
	await type('address_postcode', who.postcode)
	await press('Enregistrer et continuer')
	if (step(page) === 'exercice') {
		await reach('[name=address_commune]:not([type=hidden])')
		if (await page.evaluate(() => document.activeElement.type === 'radio'))
			await page.keyboard.press('Space')
		else
			await page.keyboard.type(who.town)
		await press('Enregistrer et continuer')
	}
	t.same(step(page), 'diplome', 'the commune is chosen with the keyboard')
	await reach('[name=diploma_kind]:not([type=hidden])')
	await page.keyboard.press('ArrowDown')
	await date('diploma_date', ['30', '6', '2012'])
	await type('diploma_place', 'Université de Lille')
	await press('Enregistrer et continuer')
	await attach('piece-diploma', pdf('diplome'))
	await press('Continuer')
	await date('experience[0].from', ['1', '9', '2012'])
	await date('experience[0].to', ['31', '12', '2023'])
	await type('experience[0].structure', 'Centre médico-psychologique, Lille')
	await type('experience[0].function', 'Psychologue')
	await tick('[name="experience[0].clinical"]')
	await type('experience[0].share', '100')
	await press('Enregistrer et continuer')
	await attach('piece-experience-0', pdf('attestation'))
	await press('Continuer')
	await tick('input[type=checkbox][name^=public]')
	await press('Enregistrer et continuer')
	await type('iban', who.iban)
	await type('iban_holder', who.last)
	await press('Enregistrer et continuer')
	await attach('piece-rib', pdf('rib'))
	await press('Continuer')
	await tick('input[type=checkbox][name=attest_clinical]')
	await tick('input[type=checkbox][name=attest_truth]')
	await press('Enregistrer et continuer')
	await press('Envoyer ma candidature')
	await becomes(page, 'En instruction à la CPAM')
	await isIn(t, page, 'En instruction à la CPAM', 'an application is made and sent with the keyboard alone')
	await press('Mon compte')
	await press('Changer mon mot de passe')
	await type('current_password', password)
	await type('password', 'quatre mots au clavier')
	await press('Enregistrer ce mot de passe')
	t.same(await page.locator('h1').textContent(), 'Votre mot de passe est changé', 'a password is changed with the keyboard alone')
	t.ok(unseen.size === 0, 'what has the focus is always seen', [...unseen].join('\n'))
})
