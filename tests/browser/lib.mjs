// What every browser test uses. Debian's Chromium as its headless shell (the same engine without windows: 290 s of the
// processor instead of 509), one process for a test file; the service to look at is in ENROLL_URL (public) and ENROLL_AGENT_URL
// (client certificates). CHROMIUM=/usr/bin/chromium takes the whole one. Prints "ok - sentence" / "not ok - sentence".
//
//	import { suite } from './lib.mjs'
//	await suite(async t => {
//		const page = await t.visitor({ javascript: false })
//		await page.goto('/eligibilite')
//		await t.sound(page, 'the self-test')              axe, 320 px, valid HTML, one h1, a title
//		t.ok(await page.locator('h1').count() === 1, 'the self-test has one title')
//	})
import { X509Certificate, createHash } from 'node:crypto'
import { existsSync, readFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { chromium } from 'playwright-core'
import { HtmlValidate } from 'html-validate'

const require = createRequire(import.meta.url)
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
export const publicUrl = process.env.ENROLL_URL ?? 'https://localhost:8443'
const agentFolder = join(process.env.ENROLL_HOME ?? 'var', 'agents')
const pictures = process.env.SCREENSHOTS
export const agentUrl = process.env.ENROLL_AGENT_URL ?? 'https://localhost:8444'
const axeTags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'RGAAv4', 'best-practice']

const validator = new HtmlValidate({
	root: true,
	extends: ['html-validate:standard'],
	rules: {
		'no-trailing-whitespace': 'off',
		'long-title': 'off',
		'no-inline-style': 'error',
		'prefer-native-element': 'off', // a link that acts as a button keeps role=button, as govuk-frontend asks
		'require-sri': 'off',
		'void-style': 'off',
		'doctype-style': 'off',
		'attr-quotes': 'off',
		'no-redundant-role': 'off',
		'tel-non-breaking': 'off',
		'no-implicit-button-type': 'error'
	}
})

// The development certificate is trusted as a visitor's would be: what comes under another one is kept in no cache.
const certificate = join(process.env.ENROLL_HOME ?? 'var', 'certs/server.pem')
const trust = existsSync(certificate) ? [`--ignore-certificate-errors-spki-list=${createHash('sha256')
	.update(new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' })).digest('base64')}`] : []

export async function suite(run) {
	const profile = mkdtempSync(join(tmpdir(), 'enroll-browser-'))
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell',
		headless: true,
		env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
			'--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', ...trust]
	})
	const t = new Suite(browser)
	try {
		await run(t)
	} catch (error) {
		t.ok(false, `${basename(process.argv[1])} runs to its end`, error.stack ?? String(error))
	}
	await browser.close().catch(() => {})
	rmSync(profile, { recursive: true, force: true })
	process.exitCode = t.failed || !t.passed ? 1 : 0
}

class Suite {
	passed = 0
	failed = 0
	#browser
	#twin
	#copied
	#kept = new Map()

	constructor(browser) {
		this.#browser = browser
	}

	ok(truth, sentence, detail) {
		if (truth) this.passed++
		else this.failed++
		console.log(`${truth ? 'ok' : 'not ok'} - ${sentence}`)
		if (!truth && detail)
			console.log(String(detail).replace(/^/gm, '# '))
		return Boolean(truth)
	}
	same(got, wanted, sentence) {
		return this.ok(got === wanted, sentence, `got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`)
	}

	// A page of somebody without an account. Collects what must never happen: script errors, refusals of the CSP, 5xx, other hosts.
	async visitor({ javascript = true, width = 1280, base = publicUrl, certificate } = {}) {
		const context = await this.#browser.newContext({
			baseURL: base,
			ignoreHTTPSErrors: true,
			javaScriptEnabled: javascript,
			locale: 'fr-FR',
			timezoneId: 'Europe/Paris',
			viewport: { width, height: 900 },
			reducedMotion: 'reduce',
			...(certificate ? { clientCertificates: [{ origin: new URL(base).origin, ...certificate }] } : {})
		})
		const page = await context.newPage()
		page.setDefaultTimeout(15000)
		page.wrongs = []
		page.javascript = javascript
		page.on('pageerror', e => page.wrongs.push(`script: ${e.message}`))
		page.on('console', m => {
			if (m.type() === 'error' && !/status of 4\d\d/.test(m.text()))
				page.wrongs.push(`console: ${m.text()}`)
		})
		page.on('response', r => {
			if (r.status() >= 500)
				page.wrongs.push(`${r.status()} ${r.url()}`)
		})
		page.on('request', r => {
			if (![new URL(base).origin, 'null'].includes(new URL(r.url()).origin))
				page.wrongs.push(`asks ${r.url()}`)
		})
		return page
	}
	// An agent of the demonstration: delegue, delegue-sans-signature, expert, expert-2, region, admin.
	async agent(name, options = {}) {
		const certificate = { certPath: join(agentFolder, `${name}.pem`), keyPath: join(agentFolder, `${name}.key`) }
		return this.visitor({ ...options, base: agentUrl, certificate })
	}

	async axe(page) {
		return page.javascript ? this.#judge(page) : this.#judge(await this.#copy(page))
	}
	async #judge(page) {
		await page.evaluate(axeSource + ';0')
		return page.evaluate(tags => globalThis.axe.run(document, {
			runOnly: { type: 'tag', values: tags },
			resultTypes: ['violations']
		}).then(r => r.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary?.replace(/\s+/g, ' ')}`))), axeTags)
	}
	// Where scripts are off, axe cannot run either: it looks at a copy of the page, as it is, without our script.
	async #copy(page) {
		if (!this.#twin) {
			const context = await this.#browser.newContext({ locale: 'fr-FR', reducedMotion: 'reduce' })
			this.#twin = await context.newPage()
			await this.#twin.route('**/*', async route => {
				const url = route.request().url()
				if (route.request().isNavigationRequest())
					return route.fulfill({ contentType: 'text/html; charset=utf-8', body: this.#copied.html })
				if (route.request().resourceType() === 'script')
					return route.abort()
				if (!this.#kept.has(url)) {
					const got = await this.#copied.request.get(url)
					this.#kept.set(url, { status: got.status(), headers: got.headers(), body: await got.body() })
				}
				return route.fulfill(this.#kept.get(url))
			})
		}
		this.#copied = { html: await page.content(), request: page.context().request }
		await this.#twin.setViewportSize(page.viewportSize())
		await this.#twin.goto(page.url().replace(/#.*/, ''))
		return this.#twin
	}

	// Everything that must hold for any page: title, one h1, landmarks, axe, 320 px, nothing wrong seen. With SCREENSHOTS=folder
	// it keeps the page's picture there instead, NAME-1280.png and NAME-320.png.
	async sound(page, name) {
		if (pictures)
			return this.#picture(page, name)
		const how = page.javascript ? '' : ' without JavaScript'
		this.ok(/\S – Rejoindre Mon soutien psy$/.test(await page.title()), `${name} has a title of its own${how}`, await page.title())
		this.same(await page.locator('h1').count(), 1, `${name} has one heading of the first level${how}`)
		const found = await this.axe(page)
		this.ok(found.length === 0, `${name} passes axe (RGAAv4, WCAG 2.2 AA)${how}`, found.join('\n'))
		const size = page.viewportSize()
		await page.setViewportSize({ width: 320, height: 900 })
		const wide = await page.evaluate(() => {
			const limit = document.documentElement.clientWidth
			if (document.documentElement.scrollWidth <= limit)
				return []
			return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > limit + 1 && !e.closest('.msp-scroll'))
				.slice(0, 5).map(e => `${e.tagName.toLowerCase()}.${e.className} ${Math.round(e.getBoundingClientRect().right)} px`)
				.concat(`page ${document.documentElement.scrollWidth} px`)
		})
		this.ok(wide.length === 0, `${name} fits in 320 px${how}`, wide.join('\n'))
		await page.setViewportSize(size)
		this.ok(page.wrongs.length === 0, `${name} loads without an error, a CSP refusal or a third party${how}`, page.wrongs.join('\n'))
		page.wrongs.length = 0
	}
	// The HTML as it was sent (a GET that can be asked again), not as the browser repaired it.
	async valid(page, name, url = page.url()) {
		const answer = await page.context().request.get(url)
		const report = await validator.validateString(await answer.text())
		const messages = report.results.flatMap(r => r.messages.filter(m => m.severity === 2).map(m => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`))
		this.ok(messages.length === 0, `${name} is valid HTML`, messages.join('\n'))
	}

	async #picture(page, name) {
		if (!page.javascript)
			return
		mkdirSync(pictures, { recursive: true })
		const size = page.viewportSize()
		const file = name.normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/[^\w]+/g, '-').toLowerCase()
		for (const width of [1280, 320]) {
			await page.setViewportSize({ width, height: 900 })
			await page.screenshot({ path: join(pictures, `${file}-${width}.png`), fullPage: true })
		}
		await page.setViewportSize(size)
	}

	// Keyboard only: tabs through the page and returns what took the focus, in order.
	async tabs(page, count) {
		const seen = []
		for (let i = 0; i < count; i++) {
			await page.keyboard.press('Tab')
			seen.push(await page.evaluate(() => {
				const e = document.activeElement
				return `${e.tagName.toLowerCase()} ${(e.textContent || e.getAttribute('name') || '').trim().slice(0, 40)}`
			}))
		}
		return seen
	}
}
