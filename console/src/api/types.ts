/** The API's shapes under the names that pages use. What the generated schema
 * holds is taken from there; nothing is described twice. */
import type { components } from './schema'

type S = components['schemas']

export type Act = S['Act']
export type ApiErrorBody = S['ApiError']
export type AnswerView = S['AnswerView']
export type AnswerTable = S['AnswerTableView']
export type DocketView = S['DocketView']
export type DraftWarrant = S['DraftWarrant']
export type Inbox = S['Inbox']
export type JobView = S['JobView']
export type MemberView = S['MemberView']
export type NodeStatus = S['NodeStatus']
export type Prepared = S['Prepared'] & { assertion?: unknown }
export type QuestionView = S['QuestionView'] & { parties?: RunParty[] | null }
export type Recorded = S['Recorded']
export type TableView = S['TableView']
export type WarrantView = S['WarrantView']
export type ProposalView = S['ProposalView']
export type RecordView = S['RecordView'] & {
  question?: string | null
  reason?: string | null
  rule?: string | null
  readers?: string[] | null
}

export interface Words {
  text_en: string
  text_zh: string
}
export type Duty = 'investigator' | 'judge' | 'approver' | 'steward' | 'auditor' | 'registrar'
export type Role = 'requester' | 'custodian' | 'authority' | 'overseer'

export interface Session {
  institution: string
  name: string
  network: string
  officer: string | null
  duties: Duty[]
  roles: Role[]
  credential: string | null
  expires_ms: number | null
  page?: string
}

export interface TemplateView {
  template: string
  title_en: string
  title_zh: string
  what_en: string
  what_zh: string
  subjects: string[]
  parameters: { name: string; what_en: string; what_zh: string }[]
  /** What a joint question is computed from: `scenes`, `subjects` or `window`. */
  joint?: string | null
  terms: Term[]
  assessment: string
  impact: string
}

/** A number that a joint question takes. */
export type Term = S['TermView']
export type Scene = S['SceneView']

export interface CaseQuestion {
  question: string
  template: string
  phase: string
  hops: number
  answer_cap: number
  asked_ms: number
  asked_by?: string | null
  decisions: Record<string, string>
  inputs: string[]
  disclosed: boolean
  exported: boolean
  cause?: string | null
  progress?: number | null
  doing?: string | null
}
export interface Wait {
  what: string
  institution: string
  duty?: string | null
  question?: string | null
  since_ms: number
  mine: boolean
}
export interface CaseCard {
  warrant: string
  phase: string
  case?: string | null
  case_commitment: string
  requester: string
  authority: string
  templates: string[]
  custodians: string[]
  subjects: number
  noticed: number
  hops: number
  answer_cap: number
  runs: number
  spent: number
  runs_left: number
  not_before_ms: number
  expires_ms: number
  drafted_ms: number
  drafted_by?: string | null
  decided_ms?: number | null
  decided_by?: string | null
  last_ms: number
  last_kind: string
  records: number
  questions: CaseQuestion[]
  waits: Wait[]
}
export interface Terms {
  templates: string[]
  custodians: string[]
  subjects: number
  hops: number
  answer_cap: number
  runs: number
  not_before_ms: number
  expires_ms: number
}
export interface Change {
  field: string
  before: unknown
  after: unknown
}
export interface CaseView extends CaseCard {
  basis?: string | null
  window_ms?: number[] | null
  asked: Terms
  granted?: Terms | null
  narrowed: Change[]
  readable: string[]
  predecessor?: string | null
}
export interface WarrantChanges {
  warrant: string
  previous?: { warrant: string; phase: string; drafted_ms: number; drafted_by?: string | null } | null
  fields: Change[]
  subjects_comparable: boolean
  subjects_added: string[]
  subjects_removed: string[]
  subjects_kept: number
}
export interface CheckedLine {
  line: number
  state: 'ok' | 'empty' | 'duplicate' | 'invalid'
  selector?: string | null
  semantic?: string | null
  value?: string | null
  duplicate_of?: number | null
  reason?: string | null
  text_en?: string | null
  text_zh?: string | null
}
export interface SubjectsCheck {
  lines: CheckedLine[]
  ok: number
  invalid: number
  duplicate: number
  kinds: Record<string, number>
  limit: number
}
export interface PlanView {
  question?: string | null
  warrant: string
  plan: string
  template: string
  title_en: string
  title_zh: string
  requester: string
  window_ms: number[]
  hops: number
  answer_cap: number
  bucket_keys: number
  selectors_max: number
  parameters: { min_amount_minor?: number | null; within_ms?: number | null; hops?: number | null }
  parties: {
    institution: string
    name: string
    role: string
    computes: Words[]
    learns: Words[]
  }[]
  tables: {
    institution: string
    dataset: string
    table: string
    snapshot: string
    rows: number
    rejected: number
    extracted_ms: number
  }[]
  steps: {
    step: number
    hop: number
    table: string
    key: string
    by: string[]
    columns: string[]
    from_subjects: string[]
    from_steps: number[]
    text_en: string
    text_zh: string
  }[]
  leaks: ({ leak: string } & Words)[]
  withheld: Words[]
  lines_en: string[]
  lines_zh: string[]
  cost: {
    rounds: number
    lookups: number
    selectors_first: number
    selectors_max: number
    keys_read_first: number
    runs_left: number
    last?: { question: string; evaluated: number; bytes: number; took_ms: number } | null
  }
  custody?: {
    to: string
    leaves: Words[]
    stays: Words[]
    learns: Words[]
    columns: Record<string, string[]>
    rule?: string | null
    by_hand: Words[]
  } | null
}
export interface RunParty {
  institution: string
  step: number
  selectors_done: number
  selectors_total: number
  bytes: number
  state: string
  detail?: string | null
}
export interface Event_ {
  record: string
  index: number
  time_ms: number
  institution: string
  officer?: string | null
}
export interface Provenance {
  question: string
  warrant: string
  template: string
  plan: string
  asked: Event_
  order: { event: Event_; basis?: string | null; window_ms?: number[] | null }
  drafted: Event_
  steps: {
    step: number
    text_en: string
    text_zh: string
    computed_en: string
    computed_zh: string
    evaluated?: number | null
  }[]
  sources: {
    origin: string
    institution: string
    name: string
    dataset: string
    table: string
    snapshot: string
    root: string
    rows: number
    rejected: number
    extracted_ms: number
    method: string
    published?: Event_ | null
    committed?: Event_ | null
  }[]
  approvals: { institution: string; by_rule?: string | null; event: Event_ }[]
  run?: {
    event: Event_
    attestations: string[]
    evaluated: number[]
    bytes?: number | null
    rounds?: number | null
  } | null
  disclosed: Event_[]
  seen: { event: Event_; reader: string; what: string }[]
  exported: Event_[]
  passed_on: Event_[]
}
export interface Rule {
  name: string
  template: string
  answer_cap: number
  hops: number
  subjects: number
}
export type RulesView = S['RulesView']
export interface Snap {
  record: string
  index: number
  committed_ms: number
  extracted_ms: number
  rows: number
  rejected: number
  method: string
  root: string
  keys: { name: string; distinct: number; buckets: number }[]
  latest: boolean
  kept: boolean
}
export interface DatasetView {
  dataset: string
  table: string
  record: string
  published_ms: number
  /** A later record published a table of the same name. */
  replaced: boolean
  columns: { name: string; semantic: string; disclosure: string }[]
  keys: string[]
  source?: { method: string; place: string } | null
  snapshots: Snap[]
}
export interface SnapshotView extends Snap {
  columns?: unknown
  by_reason: { column: string; reason: string; rows: number }[]
  rejected_rows: { row: number; column: string; reason: string }[]
}
export interface DatasetPreview {
  dataset: string
  table: string
  spec: string
  columns: {
    name: string
    source_name: string
    semantic: string
    disclosure: string
    required: boolean
    filled: number
    fit: number
  }[]
  keys: { name: string; columns: string[]; period?: string | null }[]
  sampled: number
  templates: string[]
}
export type OversightDocket = CaseCard & {
  denied: number
  refused: number
  aborted: number
  consulted: number
  matched: number
}
export type OversightRecord = RecordView & { warrant?: string | null }
export interface Tally {
  asked: number
  answered: number
  declined: number
  denied: number
  aborted: number
  open: number
  runs: number
  rows: number
}
export interface Statistics {
  from_ms?: number | null
  to_ms?: number | null
  totals: Tally
  by_template: (Tally & { template: string })[]
  by_institution: (Tally & {
    institution: string
    approved: number
    approved_by_rule: number
    narrowed: number
    blamed: number
    decision_ms_median?: number | null
  })[]
  by_month: (Tally & { month: string })[]
  warrants: {
    drafted: number
    issued: number
    narrowed: number
    refused: number
    revoked: number
    expired: number
  }
}
export interface Alarm extends Words {
  alarm: string
  severity: 'info' | 'warning' | 'critical'
  warrant?: string | null
  question?: string | null
  institution?: string | null
  since_ms: number
  records: string[]
}
export interface BundleCheck {
  valid: boolean
  network: string
  findings: ({ file: string; rule: string } & Words)[]
  case?: {
    question: string
    warrant: string
    template: string
    requester: string
    authority: string
    basis?: string | null
    window_ms: number[]
    rows: number
    records: number
    log_size: number
    network_name: string
    disclosed_ms: number
    exported_ms: number
    sources: { institution: string; dataset: string; snapshot: string; extracted_ms: number }[]
    approvals: {
      institution: string
      officer?: string | null
      by_rule?: string | null
      time_ms: number
    }[]
  } | null
}
export interface Peer {
  institution: string
  name: string
  roles: string[]
  node_key: string
  ledger_address: string
  exchange_address: string
  validator: boolean
  me: boolean
  height?: number | null
  behind?: number | null
  heard: boolean
  heard_ms?: number | null
  connected: boolean
  inbound: number
  outbound: number
  calls: number
  bytes_in: number
  bytes_out: number
  last_error?: { time_ms: number; text: string } | null
}
export interface Engine {
  status: NodeStatus
  started_ms: number
  uptime_ms: number
  time_ms: number
  build: { version: string; profile: string; target: string; console_files: number }
  validator: boolean
  signed: number
  waiting: number
  finality: {
    last_ms?: number | null
    count: number
    p50_ms?: number | null
    p95_ms?: number | null
    buckets: number[][]
  }
  storage: { what: string; bytes: number; files: number }[]
  members: Peer[]
  half_open: number
  turned_away: number
}
export interface Passkeys {
  waiting: {
    registration: string
    officer: string
    duties: string[]
    credential: string
    fingerprint: string
    origin?: string | null
    expires_ms?: number | null
  }[]
  proposed: {
    proposal: string
    proposal_bytes: string
    officer: string
    duties: string[]
    credential: string
    fingerprint: string
    kind: string
    proposed_by?: string | null
    time_ms: number
  }[]
}
