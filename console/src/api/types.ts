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

export type Words = S['Words']
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

export type TemplateView = S['TemplateView']

/** A number that a joint question takes. */
export type Term = S['TermView']
export type Scene = S['SceneView']

export type CaseQuestion = S['CaseQuestion']
export type Wait = S['Wait']
export type CaseCard = S['CaseCard']
export type Terms = S['TermsView']
export type Change = S['FieldChange']
export type CaseView = S['CaseView']
export type WarrantChanges = S['ChangesView']
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
export type PlanView = S['PlanView']
export type RunParty = S['RunParty']
export interface Event_ {
  record: string
  index: number
  time_ms: number
  institution: string
  officer?: string | null
}
export type Provenance = S['ProvenanceView']
export type Rule = S['RuleView']
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
export type DatasetView = S['DatasetView']
export interface SnapshotView extends Snap {
  columns?: unknown
  by_reason: { column: string; reason: string; rows: number }[]
  rejected_rows: { row: number; column: string; reason: string }[]
}
export type DatasetPreview = S['DatasetPreview']
export type OversightDocket = CaseCard & {
  denied: number
  refused: number
  aborted: number
  consulted: number
  matched: number
}
export type OversightRecord = RecordView & { warrant?: string | null }
export type Tally = S['Tally']
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
    lookups?: number | null
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
