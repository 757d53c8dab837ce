/** One fact's drawer: where from, by whose order, computed how, seen by whom. */
import { useParams } from 'react-router'
import { useRecordedGet } from '../api/queries'
import type { AnswerView, Event_, Provenance } from '../api/types'
import { isJoint, semanticOf } from '../chart/model'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { columns, consultations, tables, word } from '../i18n/words'
import { cell } from '../lib/cell'
import { moment, number, windowText } from '../lib/format'
import { Facts, Hex, Said, When } from '../ui/basic'
import { Dialog } from '../ui/dialog'
import { Await } from '../ui/state'

export function ProvenanceDrawer({
  answer,
  fact,
  warrant,
  onClose,
}: {
  answer: AnswerView
  fact: string
  warrant: string
  onClose: () => void
}) {
  const { question = '' } = useParams()
  const { say, lang } = useSpeech()
  const name = useNames()
  const provenance = useRecordedGet<Provenance>(`/v1/questions/${question}/provenance`)
  const [t = 0, r = 0] = fact.split(':').map(Number)
  const table = answer.tables[t]
  const origins = table?.origins[r] ?? []
  return (
    <Dialog drawer title={say('这条事实的来源', 'Where this fact comes from')} onClose={onClose}>
      <div className="stack">
        {table && (
          <section className="card sunk">
            <div className="body">
              <Facts
                items={table.columns.map((column, c) => [
                  word(columns, column, lang),
                  <strong key={column}>
                    {semanticOf(table, c) === 'institution'
                      ? name(String(table.rows[r]?.[c] ?? '—'))
                      : cell(table.rows[r]?.[c], semanticOf(table, c), lang)}
                  </strong>,
                ])}
              />
            </div>
          </section>
        )}
        <Await query={provenance} lines={8}>
          {(p) => (
            <Story p={p} origins={table && isJoint(table) ? null : origins} step={table?.step ?? 0} warrant={warrant} />
          )}
        </Await>
      </div>
    </Dialog>
  )
}

function Who({ event }: { event: Event_ }) {
  const name = useNames()
  return (
    <span>
      {name(event.institution)}
      {event.officer ? ` · ${event.officer}` : ''} · <When ms={event.time_ms} /> <Hex id={event.record} />
    </span>
  )
}

function Story({
  p,
  origins,
  step,
  warrant,
}: {
  p: Provenance
  /** Of this row; null where it was computed from all tables together. */
  origins: string[] | null
  step: number
  warrant: string
}) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const sources = origins ? p.sources.filter((source) => origins.includes(source.origin)) : p.sources
  const computed = p.steps.find((s) => s.step === step)
  const seen = p.seen
  return (
    <>
      <section className="stack-s">
        <h3>{say('从哪里来', 'Where from')}</h3>
        {!origins && <p>{say('由下列全部数据表一起算出：', 'Computed from all of these tables together:')}</p>}
        <div className="stack">
          {sources.map((source) => (
            <Facts
              key={source.origin}
              items={[
                [say('机构', 'Institution'), <strong key="i">{name(source.institution)}</strong>],
                [say('数据表', 'Dataset'), `${word(tables, source.table, lang)} (${source.dataset})`],
                [say('提取时间', 'Extracted'), moment(source.extracted_ms)],
                [say('快照', 'Snapshot'), <Hex key="s" id={source.snapshot} />],
                [say('行的根', 'Root of the rows'), <Hex key="r" id={source.root} />],
                [
                  say('行数', 'Rows'),
                  say(
                    `${number(source.rows, lang)} 行，另拒收 ${number(source.rejected, lang)} 行`,
                    `${number(source.rows, lang)}, and ${number(source.rejected, lang)} rejected`,
                  ),
                ],
                source.committed ? [say('承诺于', 'Committed'), <Who key="c" event={source.committed} />] : null,
              ]}
            />
          ))}
        </div>
      </section>
      <section className="stack-s">
        <h3>{say('依谁的令', 'By whose order')}</h3>
        <Facts
          items={[
            [say('签发', 'Issued'), <Who key="o" event={p.order.event} />],
            p.order.basis ? [say('法律依据', 'Legal basis'), p.order.basis] : null,
            p.order.window_ms ? [say('数据时段', 'Window'), windowText(p.order.window_ms)] : null,
            [say('申请', 'Drafted'), <Who key="d" event={p.drafted} />],
            [say('提问', 'Asked'), <Who key="a" event={p.asked} />],
            [say('令状', 'Warrant'), <Hex key="w" id={warrant} />],
          ]}
        />
        <h4>{say('谁同意的', 'Who approved')}</h4>
        <ul className="stack-s">
          {p.approvals.map((approval) => (
            <li key={approval.institution} className="small">
              <Who event={approval.event} />
              {approval.by_rule && (
                <span className="muted">
                  {say('，依规则 ', ', by rule ')}
                  <code>{approval.by_rule}</code>
                </span>
              )}
            </li>
          ))}
        </ul>
      </section>
      <section className="stack-s">
        <h3>{say('怎样算出', 'Computed how')}</h3>
        {!origins && (
          <p>
            {say(
              '各方把数据拆成份额，由三方在份额上计算；先公布数量，再只向请求方打开各行。',
              'Each side splits its tables into shares; three members compute over the shares; the count is opened first, then the rows, to the requester alone.',
            )}
          </p>
        )}
        {computed && (
          <>
            <p>
              <Said text={say(computed.text_zh, computed.text_en)} />
            </p>
            <p className="muted">{say(computed.computed_zh, computed.computed_en)}</p>
          </>
        )}
        <Facts
          items={[
            computed?.evaluated != null ? [say('查询值', 'Selectors'), number(computed.evaluated, lang)] : null,
            p.run ? [say('计算完成', 'Run completed'), <Who key="r" event={p.run.event} />] : null,
            p.run
              ? [
                  origins ? say('签名的数据方', 'Signed by') : say('签名的计算方', 'Signed by'),
                  p.run.attestations.map(name).join(say('、', ', ')),
                ]
              : null,
            [say('方案', 'Plan'), <Hex key="p" id={p.plan} />],
          ]}
        />
      </section>
      <section className="stack-s">
        <h3>{say('谁看过', 'Who has seen it')}</h3>
        <ul className="stack-s small">
          {p.disclosed.map((event) => (
            <li key={event.record}>
              {say('开启：', 'opened: ')}
              <Who event={event} />
            </li>
          ))}
          {seen.map((one) => (
            <li key={one.event.record}>
              <strong>{one.reader}</strong> {say('查阅', 'read')} {word(consultations, one.what, lang)} ·{' '}
              <When ms={one.event.time_ms} /> <Hex id={one.event.record} />
            </li>
          ))}
          {p.passed_on.map((event) => (
            <li key={event.record}>
              {say('移交表格：', 'table passed on: ')}
              <Who event={event} />
            </li>
          ))}
          {p.exported.map((event) => (
            <li key={event.record}>
              {say('导出证据包：', 'bundle exported: ')}
              <Who event={event} />
            </li>
          ))}
        </ul>
      </section>
    </>
  )
}
