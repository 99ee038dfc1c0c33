// The same two requests by fastify and pg, in two processes: node server.mjs SETTINGS.json
//
// It reads and writes by the service's own statements (as PostgreSQL saw them, in SETTINGS.json), judges the session by the
// same identity_join, decrypts what is sealed with the service's keys, and fires the event in one transaction with its hash
// chain. What it leaves out (masking by role, texts, the guards of other events) is in its favour.
import cluster from 'node:cluster';
import { createDecipheriv, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import pg from 'pg';

const told = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const WORKERS = 2;

if (cluster.isPrimary) {
	let ready = 0;
	for (let i = 0; i < WORKERS; i++) cluster.fork();
	cluster.on('message', () => ++ready === WORKERS && console.log('ready'));
	process.on('SIGTERM', () => process.exit(0));
} else {
	await serve();
}

const sha256 = text => createHash('sha256').update(text).digest('hex');

// ---- sealed texts (server/base/crypto.h)

function keyring() {
	const lines = readFileSync(told.keys, 'utf8').trim().split('\n').map(l => l.split(' '));
	return new Map(lines.filter(l => l[1] === 'seal').map(l => [l[0], Buffer.from(l[2], 'hex')]));
}
const keys = keyring();

function open(where, sealed) {
	const id = sealed.toString('latin1', 2, 2 + sealed[1]), at = 2 + sealed[1];
	const cipher = createDecipheriv('aes-256-gcm', keys.get(id), sealed.subarray(at, at + 12));
	cipher.setAAD(Buffer.from(`${where}:${id}`));
	cipher.setAuthTag(sealed.subarray(sealed.length - 16));
	return Buffer.concat([cipher.update(sealed.subarray(at + 12, sealed.length - 16)), cipher.final()]).toString();
}

function answers(xml) {
	const out = {};
	for (const [, name, text] of xml.matchAll(/<a n="([^"]*)">([^<]*)<\/a>/g)) out[name] = text;
	return out;
}

// ---- asking

// A recorded statement with this request's values in the place of the sampled ones.
function asked(statement, swap) {
	const [name, text, values] = statement;
	return { name, text, values: values.map(v => (v !== null && swap.has(v) ? swap.get(v) : v)) };
}

const sampled = list => list.find(s => s[0] === 'identity_join')[2][1];

function digestOf(request) {
	const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
	return token ? sha256(token) : null;
}

async function readFile(pool, request) {
	const swap = new Map([[told.readFile, request.params.id], [sampled(told.read), digestOf(request)]]);
	const client = await pool.connect();
	try {
		await client.query('begin'); // row-level security's identity lasts as long as a transaction
		const rows = {};
		for (const s of told.read) rows[s[0]] = (await client.query(asked(s, swap))).rows;
		await client.query('commit');
		return rows;
	} catch (e) {
		await client.query('rollback');
		throw e;
	} finally {
		client.release();
	}
}

function shown(rows) {
	const f = rows.file_read_row[0], copy = rows.case_frozen[0];
	return {
		id: f.id, number: f.number, kind: f.kind, state: f.state, version: f.version, eligible: f.eligible,
		caisse: f.caisse && { code: f.caisse, name: f.caisse_name, commune: f.commune, rule: f.route_explained, confidence: f.route_confidence },
		checks: rows.file_read_checks.map(c => ({ code: c.code, result: c.result, reason: c.reason, source: c.source, at: c.at,
			maintained: c.maintained, settled: c.settled, evidence: JSON.parse(c.evidence) })),
		items: rows.file_read_items, holder: f.holder && { id: f.holder, name: f.holder_name, since: f.holder_since }, deadline: f.deadline,
		events: rows.file_read_events.map(e => ({ seq: e.seq, at: e.at, event: e.event, from: e.from_state, to: e.to_state, by: e.role, hash: e.hash })),
		sha256: copy?.sha256, answers: copy ? answers(open(`frozen_copy.data:${f.id}.${copy.seq}`, copy.data)) : {},
		pieces: rows.file_read_pieces.map(p => ({ id: p.id, kind: p.kind, for: p.for_row, name: open(`piece.name:${p.id}`, p.name), size: p.size,
			type: p.type, scan: p.scan, problem: p.problem, opened: p.opened })),
		openings: rows.file_read_openings,
	};
}

async function withdraw(pool, request, reply) {
	const sample = told.write, event = sample.find(s => s[0] === 'case_event')[2];
	const swap = new Map([[told.writeFile, request.params.id], [sampled(sample), digestOf(request)]]);
	const client = await pool.connect();
	try {
		const who = (await client.query(asked(sample[0], swap))).rows[0];
		if (who.role !== 'applicant') return reply.code(401).send();
		for (const s of sample.slice(1)) {
			const { rows } = await client.query(asked(s, swap));
			if (s[0] === 'case_lock') {
				const f = rows[0];
				if (!f || f.account !== who.account) throw new Refused(404);
				if (Number(f.version) !== request.body.version) throw new Refused(409);
				if (f.state !== event[4]) throw new Refused(422);
			} else if (s[0] === 'case_facts') {
				const at = new Date(), body = JSON.stringify({ ...JSON.parse(event[17]), at: at.toISOString().replace('Z', '000Z'), file: Number(request.params.id) });
				swap.set(event[2], at.toISOString()).set(event[17], body).set(event[18], rows[0].last_hash).set(event[19], sha256(rows[0].last_hash + body));
			}
		}
		return reply.code(303).header('location', `/dossiers/${request.params.id}`).send();
	} catch (e) {
		await client.query('rollback');
		if (e instanceof Refused) return reply.code(e.status).send();
		throw e;
	} finally {
		client.release();
	}
}

class Refused extends Error {
	constructor(status) {
		super();
		this.status = status;
	}
}

// ---- serving

async function serve() {
	const pool = new pg.Pool({ host: told.socket, database: 'enroll', user: 'enroll_service', max: 8,
		options: '-c search_path=enroll,pg_temp -c TimeZone=UTC' });
	const app = Fastify({ https: { cert: readFileSync(`${told.certs}/server.pem`), key: readFileSync(`${told.certs}/server.key`), minVersion: 'TLSv1.3' } });
	app.get('/dossiers/:id', async (request, reply) => {
		const rows = await readFile(pool, request);
		if (rows.identity_join[0].role !== 'applicant') return reply.code(401).send();
		if (!rows.file_read_row.length) return reply.code(404).send();
		return shown(rows);
	});
	app.post('/dossiers/:id/evenements/withdraw', (request, reply) => withdraw(pool, request, reply));
	await app.listen({ port: told.port, host: '127.0.0.1' });
	process.send('ready');
}
