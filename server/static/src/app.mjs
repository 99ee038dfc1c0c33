// Everything here is a comfort: each page does its work without it.
import { Button, CharacterCount, Checkboxes, ErrorSummary, NotificationBanner, PasswordInput, Radios, ServiceNavigation, SkipLink,
	createAll } from 'govuk-frontend'
import { autosave } from './autosave.mjs'
import { back } from './back.mjs'
import { conditional } from './conditional.mjs'
import { upload } from './upload.mjs'

// The style sheet shows the enhanced forms of components only under these classes.
document.body.classList.add('js-enabled', ...('noModule' in HTMLScriptElement.prototype ? ['govuk-frontend-supported'] : []))

// The menu entry of this page, or of the folder it is in.
const entries = [...document.querySelectorAll('.govuk-service-navigation__link')]
const path = location.pathname
const here = entries.find(a => a.pathname === path) ?? entries.find(a => a.pathname !== '/' && path.startsWith(a.pathname + '/'))
if (here) {
	here.setAttribute('aria-current', here.pathname === path ? 'page' : 'true')
	here.parentElement.classList.add('govuk-service-navigation__item--active')
}

createAll(Button, { preventDoubleClick: true })
createAll(CharacterCount, {
	i18n: {
		charactersUnderLimit: { one: 'Il vous reste %{count} caractère', other: 'Il vous reste %{count} caractères' },
		charactersAtLimit: 'Il ne vous reste aucun caractère',
		charactersOverLimit: { one: '%{count} caractère de trop', other: '%{count} caractères de trop' },
		textareaDescription: { other: 'Vous pouvez écrire jusqu’à %{count} caractères.' }
	}
})
createAll(Checkboxes)
createAll(ErrorSummary)
createAll(NotificationBanner)
createAll(PasswordInput, {
	i18n: {
		showPassword: 'Afficher', hidePassword: 'Masquer',
		showPasswordAriaLabel: 'Afficher le mot de passe', hidePasswordAriaLabel: 'Masquer le mot de passe',
		passwordShownAnnouncement: 'Votre mot de passe est affiché', passwordHiddenAnnouncement: 'Votre mot de passe est masqué'
	}
})
createAll(Radios)
createAll(ServiceNavigation)
createAll(SkipLink)

back()
document.querySelectorAll('fieldset[data-if]').forEach(conditional)
document.querySelectorAll('form[data-autosave]:not([data-autosave=""])').forEach(autosave)
document.querySelectorAll('form[data-upload]').forEach(upload)
