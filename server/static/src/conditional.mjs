// Shows a part of a form only when it is asked: <fieldset data-if="practice_mode" data-if-values="salaried both"
// [data-if-not]>. Without scripts the part is there, its legend says when to answer, and the service ignores the rest.
// Hidden answers are kept: changing one's mind loses nothing.
export function conditional(part) {
	const form = part.closest('form')
	const values = part.dataset.ifValues.split(' ')
	const wanted = 'ifNot' in part.dataset
	const controls = [...form.elements].filter(e => [part.dataset.if, `${part.dataset.if}[]`].includes(e.name) && e.type !== 'hidden')
	if (!controls.length)
		return
	const look = () => {
		const now = controls.filter(e => (e.type !== 'radio' && e.type !== 'checkbox') || e.checked).map(e => e.value)
		part.hidden = now.some(v => values.includes(v)) === wanted
	}
	controls.forEach(e => e.addEventListener('change', look))
	look()
}
