// What the registry knows of the number that is being typed, told under its field once it is saved: what the page itself
// would show above its form, in <div data-known>, when asked for again.
export function known(form) {
	const field = form.elements.namedItem('rpps')
	const above = document.querySelector('[data-known]')
	if (!field || !above)
		return () => {}
	const place = document.createElement('div')
	place.setAttribute('role', 'status')
	field.closest('.govuk-form-group').after(place)
	let told = field.value

	return async problems => {
		const typed = field.value
		if (typed === told)
			return
		told = typed
		above.replaceChildren()
		place.replaceChildren()
		if (!typed || problems.some(problem => problem.field === 'rpps'))
			return
		try {
			const page = await fetch(location.href, { headers: { Accept: 'text/html' }, redirect: 'error' })
			const now = new DOMParser().parseFromString(await page.text(), 'text/html').querySelector('[data-known]')
			if (page.ok && now && field.value === typed)
				place.replaceChildren(...now.childNodes)
		} catch {
			told = '' // the next save asks again
		}
	}
}
