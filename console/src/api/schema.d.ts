// Stand-in until generated
export interface components { schemas: {
  DraftWarrant: {
    case: string;
    reason: string;
    basis: string;
    authority: string;
    templates: (string)[];
    custodians: (string)[];
    subjects: (string)[];
    window_from_ms: number;
    window_to_ms: number;
    hops: number;
    answer_cap: number;
    runs: number;
    not_before_ms?: number | null;
    life_ms: number;
  };
  IssueWarrant: {
    warrant: string;
    hops?: number | null;
    answer_cap?: number | null;
    runs?: number | null;
    custodians?: (string)[] | null;
    templates?: (string)[] | null;
    life_ms?: number | null;
  };
  Ask: {
    warrant: string;
    template: string;
    hops?: number | null;
    min_amount_minor?: number | null;
    within_ms?: number | null;
    answer_cap?: number | null;
    custodians?: (string)[] | null;
  };
  Prepared: {
    id: string;
    to_sign: string;
    header: string;
    header_json: unknown;
    summary: (string)[];
    warrant?: string | null;
  };
  SubmitSignature: {
    id: string;
    signature: string;
  };
  Recorded: {
    record: string;
    kind: string;
    index: number;
    warrant?: string | null;
  };
  NodeStatus: {
    institution: string;
    network: string;
    version: string;
    height: number;
    records: number;
    root: string;
    epoch: number;
    members: number;
    quorum: number;
    heard: number;
    syncing: boolean;
    healthy: boolean;
    advice?: string | null;
  };
  MemberView: {
    institution: string;
    name: string;
    roles: (string)[];
    node_key: string;
    officers: (components["schemas"]["OfficerView"])[];
  };
  OfficerView: {
    officer: string;
    key: string;
    duties: (string)[];
  };
  TableView: {
    institution: string;
    dataset: string;
    table: string;
    columns: ((string)[])[];
    keys: (string)[];
    snapshot?: string | null;
    rows?: number | null;
    rejected?: number | null;
    extracted_ms?: number | null;
  };
  WarrantView: {
    warrant: string;
    phase: string;
    requester: string;
    authority: string;
    templates: (string)[];
    custodians: (string)[];
    subjects: number;
    hops: number;
    answer_cap: number;
    runs: number;
    spent: number;
    not_before_ms: number;
    expires_ms: number;
    basis?: string | null;
    window_ms?: (number)[] | null;
    subject_list?: components["schemas"]["SubjectsView"] | null;
    questions: (components["schemas"]["QuestionView"])[];
  };
  SubjectsView: {
    case: string;
    reason: string;
    subjects: (string)[];
  };
  QuestionView: {
    question: string;
    warrant: string;
    template: string;
    phase: string;
    decisions: {[k:string]:string};
    inputs: (string)[];
    disclosed: boolean;
    plan_en: (string)[];
    plan_zh: (string)[];
    progress?: number | null;
    doing?: string | null;
    cause?: string | null;
  };
  AnswerView: {
    question: string;
    template: string;
    tables: (components["schemas"]["AnswerTableView"])[];
    evaluated: (number)[];
    bytes: number;
    rounds: number;
  };
  AnswerTableView: {
    step: number;
    table: string;
    columns: (string)[];
    rows: ((unknown)[])[];
    origins: ((string)[])[];
  };
  DocketView: {
    warrant: string;
    records: (components["schemas"]["RecordView"])[];
  };
  RecordView: {
    index: number;
    time_ms: number;
    record: string;
    kind: string;
    institution: string;
    officer?: string | null;
    text_en: string;
    text_zh: string;
    follows: (string)[];
  };
  Inbox: {
    drafts: (components["schemas"]["WarrantView"])[];
    questions: (components["schemas"]["QuestionView"])[];
    answers: (components["schemas"]["QuestionView"])[];
  };
  JobView: {
    job: string;
    phase: string;
    progress: number;
    doing: string;
    record?: components["schemas"]["Recorded"] | null;
    rejected: (components["schemas"]["RejectedView"])[];
    rejected_total: number;
    rows: number;
    error?: components["schemas"]["ApiError"] | null;
  };
  RejectedView: {
    row: number;
    column: string;
    reason: string;
  };
  Publish: {
    dataset: string;
    source: string;
    source_table?: string | null;
    table?: string | null;
    spec?: string | null;
  };
  ApiError: {
    family: string;
    rule: string;
    detail: string;
    advice?: string | null;
    retry: boolean;
    record?: string | null;
  };
  ProposalView: {
    proposal: string;
    text_en: string;
    text_zh: string;
    yes: (string)[];
    no: (string)[];
    needed: number;
  };
  Act: ({act:"draft-warrant"} & components["schemas"]["DraftWarrant"]) | ({act:"issue-warrant"} & components["schemas"]["IssueWarrant"]) | {act:"refuse-warrant"; warrant: string;reason: string;} | {act:"revoke-warrant"; warrant: string;reason: string;} | ({act:"ask"} & components["schemas"]["Ask"]) | {act:"approve"; question: string;} | {act:"narrow"; question: string;hops: number;answer_cap: number;reason: string;} | {act:"refuse"; question: string;reason: string;} | {act:"open-answer"; question: string;} | {act:"export-bundle"; question: string;} | {act:"enrol-officer"; officer: string;key: string;duties: (string)[];} | {act:"retire-officer"; key: string;};
} }
