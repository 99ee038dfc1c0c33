// A page that answers a form with problems stands in the history as that sending, which no browser repeats when one comes
// Back: it becomes the page of the form, which knows what was saved. (Without this script, the page itself is kept by the
// browser where it holds no secret.)
export function back() {
	const [visit] = performance.getEntriesByType('navigation')
	if (![409, 422].includes(visit?.responseStatus))
		return
	const upload = document.querySelector('form[data-upload]')?.dataset.upload
	const path = location.pathname
	history.replaceState(history.state, '', upload ??
		(document.querySelector('.msp-agent') ? path.replace(/^(\/dossiers\/\d+)\/(?:evenements|preparer)\/(\w+)$/, '$1?action=$2')
			: path.replace(/^(\/convention\/[\w-]+)\/.*$/, '$1')))
}
