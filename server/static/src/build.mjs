// Writes app.css, app.js and the fonts into the folder given: node build.mjs ..
// The results are committed, so that building the service needs no node; tests/static.sh compares them.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import * as sass from 'sass'

const here = dirname(fileURLToPath(import.meta.url))
const out = resolve(process.argv[2] ?? join(here, '..'))
const modules = join(here, 'node_modules')
mkdirSync(join(out, 'fonts'), { recursive: true })

const css = sass.compile(join(here, 'app.scss'), {
	loadPaths: [join(modules, 'govuk-frontend/dist')],
	style: 'compressed',
	charset: false,
	quietDeps: true
}).css
const forbidden = css.match(/url\((?!["']?fonts\/)[^)]*\)/)
if (forbidden)
	throw new Error(`the style sheet asks for something that is not ours: ${forbidden[0]}`)
writeFileSync(join(out, 'app.css'), css + '\n')

esbuild.buildSync({
	entryPoints: [join(here, 'app.mjs')],
	outfile: join(out, 'app.js'),
	bundle: true,
	minify: true,
	format: 'esm',
	target: 'es2020',
	charset: 'utf8',
	legalComments: 'none',
	banner: { js: '/* Includes parts of govuk-frontend, MIT, see LICENSE-govuk-frontend.txt */' }
})

const fonts = join(modules, '@fontsource/atkinson-hyperlegible-next')
for (const weight of [400, 700])
	for (const [from, to] of [['latin', ''], ['latin-ext', 'ext-']])
		copyFileSync(join(fonts, `files/atkinson-hyperlegible-next-${from}-${weight}-normal.woff2`),
			join(out, `fonts/atkinson-hyperlegible-next-${to}${weight}.woff2`))
copyFileSync(join(fonts, 'LICENSE'), join(out, 'fonts/OFL.txt'))
