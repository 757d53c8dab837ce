/** A server of `dist` with the node's policy and the fixtures' answers. */
import { createReadStream, existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { largeAnswer, respond, session } from './fixtures'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

export type Mood = 'answers' | 'empty' | 'fails' | 'hangs' | 'large' | 'coming'

export interface FixtureNode {
  origin: string
  mood: Mood
  who: ReturnType<typeof session>
  close: () => void
}

const EMPTY: Record<string, unknown> = {
  '/v1/cases': [],
  '/v1/inbox': { drafts: [], questions: [], answers: [] },
  '/v1/datasets': [],
  '/v1/proposals': [],
  '/v1/jobs': [],
  '/v1/oversight/alarms': [],
  '/v1/oversight/dockets': { total: 0, dockets: [] },
  '/v1/oversight/records': { total: 0, records: [] },
  '/v1/passkeys': { waiting: [], proposed: [] },
  '/v1/rules': { version: 0, source: 'file', rules: [], history: [] },
  '/v1/oversight/statistics': {
    totals: { asked: 0, answered: 0, declined: 0, denied: 0, aborted: 0, open: 0, runs: 0, rows: 0 },
    by_template: [],
    by_institution: [],
    by_month: [],
    warrants: { drafted: 0, issued: 0, narrowed: 0, refused: 0, revoked: 0, expired: 0 },
  },
}

export async function fixtureNode(): Promise<FixtureNode> {
  const node: FixtureNode = {
    origin: '',
    mood: 'answers',
    who: session(['investigator'], ['requester'], 'police', 'investigator-1'),
    close: () => undefined,
  }
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '/'
    response.setHeader('Content-Security-Policy', POLICY)
    if (path.startsWith('/v1/')) {
      const at = path.split('?')[0] ?? ''
      const json = (status: number, value: unknown) => {
        response.writeHead(status, { 'Content-Type': 'application/json' })
        response.end(JSON.stringify(value))
      }
      if (at === '/v1/session/begin')
        return json(200, {
          id: 'a',
          publicKey: {
            challenge: 'AAAA',
            rpId: 'localhost',
            timeout: 60_000,
            userVerification: 'required',
            allowCredentials: [],
          },
        })
      if (at === '/v1/session/finish') return json(200, node.who)
      if (at === '/v1/session') return json(200, node.who)
      if (at === '/v1/events') {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        return response.write(': ok\n\n')
      }
      if (node.mood === 'hangs' && !['/v1/network', '/v1/status'].includes(at)) return undefined
      if (node.mood === 'fails' && !['/v1/network', '/v1/status'].includes(at))
        return json(503, {
          family: 'trouble',
          rule: 'ledger-stalled',
          detail: 'only 5 of 10 members are heard and 7 must agree',
          advice: 'start the missing nodes',
          retry: false,
          record: null,
        })
      if (node.mood === 'empty' && at in EMPTY) return json(200, EMPTY[at])
      if (node.mood === 'large' && at.endsWith('/answer')) return json(200, largeAnswer())
      if (node.mood === 'coming' && at.startsWith('/v1/warrants/')) {
        const view = respond(path, 'GET')
        return json(200, { ...(view as object), subject_list: null, subjects_coming: true })
      }
      const answer = respond(path, request.method ?? 'GET')
      return answer === null
        ? json(404, {
            family: 'refusal',
            rule: 'not-found',
            detail: 'no such thing here',
            advice: null,
            retry: false,
            record: null,
          })
        : json(200, answer)
    }
    const file = join(DIST, normalize(path === '/' ? '/index.html' : (path.split('?')[0] ?? '')))
    if (!file.startsWith(DIST) || !existsSync(file)) {
      response.writeHead(404)
      return response.end()
    }
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream')
    return createReadStream(file).pipe(response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  node.origin = `http://localhost:${(server.address() as AddressInfo).port}`
  node.close = () => {
    server.closeAllConnections()
    server.close()
  }
  return node
}
