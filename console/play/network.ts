/** Real nodes for a play: `cordon demo --console` founds and holds them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PROGRAMS = [join(ROOT, 'target/release/cordon'), join(ROOT, 'target/debug/cordon')]
const READY_MS_MAX = 240_000

export interface SeatLink {
  institution: string
  officer: string
  duties: string[]
  origin: string
  link: string
}
export interface Network {
  seats: SeatLink[]
  /** The guided demonstration's: where it begins. */
  link?: string
  left?: { undecided: string; waiting: string; answered: string; draft: string; warrant: string }
  network: string
  subjects: string[]
  window_ms: [number, number]
  /** Asks the demonstration to stop or start a member's node. */
  tell: (line: string) => void
  close: () => Promise<void>
}

/** Founds a network with tables and invitations: nobody has decided anything yet, or
 * with `guided` the case is played to where a person must choose. */
export async function network(people = 300, mode: 'console' | 'guided' = 'console'): Promise<Network> {
  const built = PROGRAMS.filter((path) => existsSync(path))
  // What was asked for, else what was built last.
  const newest = built.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]
  const program = process.env['CORDON'] ?? newest
  if (!program) throw new Error('no cordon here: cargo build -p cordon')
  const folder = mkdtempSync(join(tmpdir(), 'cordon-play-'))
  const child: ChildProcess = spawn(
    program,
    ['demo', `--${mode}`, '--no-browser', '--json', '--people', String(people), '--out', folder],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let said = ''
  let out = ''
  child.stderr?.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-4_000)
  })
  const ready = new Promise<Omit<Network, 'close' | 'tell'>>((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the network is not there: ${said}`)), READY_MS_MAX)
    child.stdout?.on('data', (bytes: Buffer) => {
      out += bytes.toString()
      try {
        const value = JSON.parse(out) as Omit<Network, 'close' | 'tell'> & { error?: unknown }
        clearTimeout(timer)
        if (value.error) fail(new Error(`cordon demo failed: ${out}`))
        else done(value)
      } catch {
        // The value has not come whole yet.
      }
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(new Error(`cordon demo ended with ${code}: ${said}`))
    })
  })
  const close = () =>
    new Promise<void>((done) => {
      const end = () => {
        rmSync(folder, { recursive: true, force: true })
        done()
      }
      if (child.exitCode !== null) return end()
      child.removeAllListeners('exit')
      child.once('exit', end)
      child.kill('SIGINT')
      setTimeout(() => child.kill('SIGKILL'), 20_000).unref()
    })
  try {
    return { ...(await ready), tell: (line) => child.stdin?.write(`${line}\n`), close }
  } catch (error) {
    await close()
    throw error
  }
}
