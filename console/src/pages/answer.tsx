/** An opened answer: link chart, timeline and table that select together. */
import { FileOutput, FileSpreadsheet, Info, Target, X } from 'lucide-react'
import { lazy, Suspense, useMemo, useState } from 'react'
import { Link, useParams } from 'react-router'
import { download } from '../api/client'
import { useGet, useOrder, useRecordedGet, useStale } from '../api/queries'
import type { AnswerView, CaseView, QuestionView } from '../api/types'
import { buildModel, label, type RowKey, subjectIds } from '../chart/model'
import { useSpeech } from '../i18n/lang'
import { templates, word } from '../i18n/words'
import { count, bytes, number, short } from '../lib/format'
import { ReasonDialog } from '../sign/ReasonDialog'
import { useSign } from '../sign/SignDialog'
import { Button, Card, IconButton, PageHead } from '../ui/basic'
import { Await, Blank, Failed, Loading, Notice } from '../ui/state'
import { AnswerTables } from './answer-table'
import { ProvenanceDrawer } from './provenance'

const LinkChart = lazy(async () => ({ default: (await import('../chart/LinkChart')).LinkChart }))
const TimeStrip = lazy(async () => ({ default: (await import('../chart/TimeStrip')).TimeStrip }))

export function AnswerPage() {
  const { question = '' } = useParams()
  const { say, lang } = useSpeech()
  const known = useGet<QuestionView>(`/v1/questions/${question}`)
  const answer = useRecordedGet<AnswerView>(known.data?.disclosed ? `/v1/questions/${question}/answer` : null)
  // Whose rows these are stands in the order's sealed part: reading it leaves its record too.
  const order = useOrder(known.data?.disclosed ? known.data.warrant : null)
  return (
    <Await query={known} heading={say('答案', 'Answer')}>
      {(view) => (
        <>
          <PageHead
            crumb={
              <Link to={`/questions/${question}`}>
                {say('查询', 'Question')} {short(question)}
              </Link>
            }
            title={`${word(templates, view.template, lang)} · ${say('答案', 'Answer')}`}
            actions={<Exports view={view} />}
          />
          {view.disclosed ? (
            <Await query={answer} lines={10}>
              {(data) =>
                order.isPending ? (
                  <Loading lines={10} />
                ) : (
                  <>
                    {order.error ? <Unmarked error={order.error} retry={() => void order.refetch()} /> : null}
                    <Answer
                      answer={data}
                      warrant={view.warrant}
                      subjects={order.data?.subject_list?.subjects ?? NOBODY}
                    />
                  </>
                )
              }
            </Await>
          ) : (
            <Card>
              <Blank
                title={say('答案尚未开启', 'The answer is not open')}
                action={<Link to={`/questions/${question}`}>{say('回到查询', 'Back to the question')}</Link>}
              />
            </Card>
          )}
        </>
      )}
    </Await>
  )
}

const NOBODY: readonly string[] = []

/** The answer stands without its marks where the order can't be read. */
function Unmarked({ error, retry }: { error: unknown; retry: () => void }) {
  const { say } = useSpeech()
  return (
    <div className="stack-s" style={{ marginBottom: 16 }}>
      <Notice mood="wait">
        {say('读不到令状对象，下面没有标出。', 'The warrant’s subjects can’t be read, so they are not marked below.')}
      </Notice>
      <Failed error={error} retry={retry} />
    </div>
  )
}

function Exports({ view }: { view: QuestionView }) {
  const { say } = useSpeech()
  const sign = useSign()
  const stale = useStale()
  const kase = useGet<CaseView>(`/v1/cases/${view.warrant}`)
  const exported = kase.data?.questions.find((q) => q.question === view.question)?.exported ?? false
  const [busy, setBusy] = useState('')
  const [passing, setPassing] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const fetchFile = async (what: 'csv' | 'bundle') => {
    setBusy(what)
    setError(null)
    try {
      const path = `/v1/questions/${view.question}/${what === 'csv' ? 'answer.csv' : 'bundle'}`
      await download(path, `${view.template}-${short(view.question)}.${what === 'csv' ? 'csv' : 'cordon'}`)
    } catch (caught) {
      setError(caught)
    } finally {
      setBusy('')
    }
  }
  const bundle = () =>
    exported
      ? void fetchFile('bundle')
      : sign({
          act: { act: 'export-bundle', question: view.question },
          onDone: () => {
            stale('/v1/cases')
            void fetchFile('bundle')
          },
        })
  if (!view.disclosed) return null
  return (
    <>
      <Button icon={FileSpreadsheet} busy={busy === 'csv'} disabled={busy !== ''} onClick={() => setPassing(true)}>
        {say('导出表格…', 'Export CSV…')}
      </Button>
      <Button tone="primary" icon={FileOutput} busy={busy === 'bundle'} disabled={busy !== ''} onClick={bundle}>
        {exported ? say('下载证据包', 'Download the bundle') : say('导出证据包…', 'Export the bundle…')}
      </Button>
      {error !== null && <Failed error={error} />}
      {passing && (
        <ReasonDialog
          title={say('导出表格', 'Export CSV')}
          label={say('交给谁，为何', 'For whom, and why')}
          hint={say('签发机关与监督方会读到', 'Authority and overseers read it')}
          act={(reason) => ({ act: 'pass-on', question: view.question, form: 'csv', reason })}
          onClose={() => setPassing(false)}
          onDone={() => void fetchFile('csv')}
        >
          <Notice mood="off">
            {say(
              '表格离开网络后本身不能证明任何事；要作证据，请导出证据包。移交本身会留下记录。',
              'A table proves nothing by itself once it has left; as evidence, export the bundle. Passing it on leaves a record.',
            )}
          </Notice>
        </ReasonDialog>
      )}
    </>
  )
}

function Answer({ answer, warrant, subjects }: { answer: AnswerView; warrant: string; subjects: readonly string[] }) {
  const { say, lang } = useSpeech()
  const marked = useMemo(() => subjectIds(subjects), [subjects])
  const model = useMemo(() => buildModel(answer, marked), [answer, marked])
  const found = model.nodes.filter((one) => one.subject).length
  const [selected, setSelected] = useState<ReadonlySet<RowKey>>(new Set())
  const [node, setNode] = useState<number | null>(null)
  const [fact, setFact] = useState<RowKey | null>(null)
  const rows = answer.tables.reduce((sum, table) => sum + table.rows.length, 0)
  const select = (keys: readonly RowKey[], of?: number) => {
    setSelected(new Set(keys))
    setNode(of ?? null)
  }
  const chosen = node === null ? null : model.nodes[node]
  if (rows === 0)
    return (
      <Card>
        <Blank title={say('答案没有一行', 'The answer has no rows')}>
          {say('各数据方都没有符合的记录。', 'No custodian holds a matching row.')}
        </Blank>
      </Card>
    )
  return (
    <div className="stack">
      <div className="row small muted">
        <span>{say(`${number(rows, lang)} 行`, count(rows, 'row'))}</span>
        <span>·</span>
        <span>{say(`${answer.rounds} 轮通信`, count(answer.rounds, 'round'))}</span>
        <span>·</span>
        <span>{bytes(answer.bytes)}</span>
        {marked.size > 0 && model.nodes.length > 0 && (
          <>
            <span>·</span>
            <span>
              <Target size={14} className="subject-mark" aria-hidden />
              {say(
                `令状对象 ${marked.size} 个，其中 ${found} 个见于答案`,
                `${found} of the warrant’s ${count(marked.size, 'subject')} appear`,
              )}
            </span>
          </>
        )}
      </div>
      {model.links.length > 0 && (
        <Card
          title={say('关系图与时间线', 'Link chart and timeline')}
          flush
          extra={
            <span className="small muted">
              {say(
                `${number(model.nodes.length, lang)} 个节点，${number(model.links.length, lang)} 条连线`,
                `${count(model.nodes.length, 'node')}, ${count(model.links.length, 'link')}`,
              )}
            </span>
          }
        >
          <Suspense fallback={<Loading lines={8} />}>
            <LinkChart model={model} selected={selected} onSelect={select} />
            <TimeStrip model={model} selected={selected} onSelect={select} />
          </Suspense>
        </Card>
      )}
      <div aria-live="polite">
        {selected.size > 0 && (
          <Notice
            mood="run"
            icon={Info}
            action={
              <IconButton small label={say('取消选择', 'Clear the selection')} icon={X} onClick={() => select([])} />
            }
          >
            <span className="row">
              {chosen && (
                <>
                  {chosen.subject && <Target size={14} className="subject-mark" aria-hidden />}
                  <strong>{label(chosen)}</strong>
                  {chosen.subject && <span className="muted">{say('令状对象', 'a subject of the warrant')}</span>}
                  {chosen.name && <code>{chosen.value}</code>}
                </>
              )}
              <span>{say(`选中 ${number(selected.size, lang)} 行`, `${count(selected.size, 'row')} selected`)}</span>
            </span>
          </Notice>
        )}
      </div>
      <AnswerTables
        answer={answer}
        subjects={marked}
        selected={selected}
        onSelect={(key) => select(selected.size === 1 && selected.has(key) ? [] : [key])}
        onProvenance={setFact}
      />
      {fact && <ProvenanceDrawer answer={answer} fact={fact} warrant={warrant} onClose={() => setFact(null)} />}
    </div>
  )
}
