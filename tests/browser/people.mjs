// The invented people who apply in the browser tests, beside those of the demonstration, and what the registry says of them.
//	node people.mjs registry FILE      the registry FILE (format of the Annuaire Santé) with these people added
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const luhn = digits => {
	let sum = 0
	;[...digits].reverse().forEach((c, i) => {
		const n = Number(c) * (i % 2 ? 1 : 2)
		sum += n > 9 ? n - 9 : n
	})
	return digits + String((10 - sum % 10) % 10)
}
const rpps = n => luhn(`99900${String(n).padStart(5, '0')}`)
const nir = n => {
	const body = `2850359350${String(n).padStart(3, '0')}`
	return body + String(97 - Number(BigInt(body) % 97n)).padStart(2, '0')
}
const iban = n => {
	const bban = `9999900001${String(n).padStart(11, '0')}42`
	return `FR${String(98n - BigInt(`${bban}152700`) % 97n).padStart(2, '0')}${bban}`
}

export const siret = luhn(`${luhn('90000001')}0001`)
export const password = 'une phrase de passe assez longue'
const person = (n, first, last, more = {}) => ({
	first, last, email: `${first.toLowerCase()}.${last.toLowerCase()}@exemple.test`, rpps: rpps(200 + n), nir: nir(200 + n), iban: iban(200 + n),
	street: '12 rue des Essais', postcode: '59000', commune: '59350', town: 'Lille', registry: {}, ...more
})
export const people = {
	plain: person(1, 'Jeanne', 'Sansscript'),
	scripted: person(2, 'Lucie', 'Avecscript'),
	keyboard: person(3, 'Odile', 'Clavier'),
	married: person(4, 'Nora', 'Usage', { registry: { last: 'NAISSANCE' } }),
	unmarried: person(5, 'Rose', 'Ancien', { registry: { last: 'AUTREMENT' } }),
	island: person(6, 'Pierre', 'Lointain', { postcode: '97133', commune: '97701', town: 'Saint-Barthélemy' }),
	employed: person(7, 'Karim', 'Salarie', { mode: 'both' }),
	unknown: person(8, 'Zoé', 'Inconnue', { email: 'zoe.inconnue@exemple.test', registry: null }),
	raced: person(9, 'Paul', 'Dispute'),
	refused: person(10, 'Anne', 'Refusee'),
	declined: person(11, 'Denis', 'Decline', { mode: 'both' }),
	goesBack: person(12, 'Rita', 'Retour')
}
// A small PDF of one page that says `text`.
export const pdf = text => {
	const content = `BT /F1 18 Tf 72 720 Td (${text}) Tj ET`
	const objects = ['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
		'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
		`<< /Length ${content.length} >>\nstream\n${content}\nendstream`, '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>']
	let out = '%PDF-1.4\n'
	const at = objects.map((o, i) => {
		const here = out.length
		out += `${i + 1} 0 obj\n${o}\nendobj\n`
		return here
	})
	const xref = out.length
	out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${at.map(a => `${String(a).padStart(10, '0')} 00000 n \n`).join('')}`
	out += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`
	return { name: `${text.replace(/\W+/g, '-')}.pdf`, mimeType: 'application/pdf', buffer: Buffer.from(out, 'latin1') }
}

function registry(text) {
	const names = text.split('\n')[0].trim().split('|')
	const line = p => {
		const cells = {
			"Type d'identifiant PP": '8', 'Identifiant PP': p.rpps, 'Identification nationale PP': `8${p.rpps}`,
			"Nom d'exercice": p.registry.last ?? p.last.toUpperCase(), "Prénom d'exercice": p.first.toUpperCase(),
			'Code profession': '93', 'Libellé profession': 'Psychologue', 'Code mode exercice': 'L', 'Libellé mode exercice': 'Libéral',
			'Code postal (coord. structure)': p.postcode, 'Code commune (coord. structure)': p.commune,
			'Code Département (structure)': p.commune.startsWith('97') ? p.commune.slice(0, 3) : p.commune.slice(0, 2),
			"Autorité d'enregistrement": 'ARS/ARS/ARS'
		}
		return names.map(n => cells[n] ?? '').join('|')
	}
	return [text.trim(), ...Object.values(people).filter(p => p.registry).map(line)].join('\n')
}

if (process.argv[2] === 'registry' && process.argv[1] === fileURLToPath(import.meta.url))
	console.log(registry(readFileSync(process.argv[3], 'utf8')))
