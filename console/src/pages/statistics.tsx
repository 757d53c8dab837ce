/** What has been asked and what became of it: by template, institution, month. */
import { ChartColumn } from 'lucide-react'
import { useState } from 'react'
import { withQuery } from '../api/client'
import { useGet } from '../api/queries'
import type { Statistics, Tally } from '../api/types'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { templates, word } from '../i18n/words'
import { duration, number } from '../lib/format'
import { endOf, startOf } from '../lib/when'
import { Card, PageHead } from '../ui/basic'
import { Bars, type Part } from '../ui/bars'
import { DateField } from '../ui/date'
import { Await, Blank } from '../ui/state'

export function StatisticsPage() {
  const { say } = useSpeech()
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const statistics = useGet<Statistics>(
    withQuery('/v1/oversight/statistics', { from_ms: startOf(from), to_ms: endOf(to) }),
  )
  return (
    <>
      <PageHead
        title={say('统计', 'Statistics')}
        lead={say(
          '数的是账本上的记录；答复与拒绝同样计入。',
          'Counted from the records of the ledger, refusals like answers.',
        )}
      />
      <div className="stack">
        <div className="filters">
          <DateField label={say('从', 'From')} value={from} onChange={setFrom} />
          <DateField label={say('到（含）', 'To (inclusive)')} value={to} onChange={setTo} />
        </div>
        <Await
          query={statistics}
          empty={{
            when: (s) => s.totals.asked + s.warrants.drafted + s.totals.denied === 0,
            show: (
              <Card>
                <Blank icon={ChartColumn} title={say('此时段没有记录', 'No records in this time')} />
              </Card>
            ),
          }}
        >
          {(s) => <Charts s={s} />}
        </Await>
      </div>
    </>
  )
}

function Charts({ s }: { s: Statistics }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const outcomes: Part[] = [
    { key: 'answered', name: say('已答复', 'Answered'), colour: 'var(--c3)' },
    { key: 'declined', name: say('未获同意', 'Declined'), colour: 'var(--c4)', pattern: 'stripe' },
    { key: 'aborted', name: say('中止', 'Aborted'), colour: 'var(--c2)', pattern: 'dots' },
    { key: 'open', name: say('进行中', 'Open'), colour: 'var(--c1)', pattern: 'cross' },
  ]
  const decisions: Part[] = [
    { key: 'hand', name: say('人工同意', 'Approved by hand'), colour: 'var(--c3)' },
    { key: 'rule', name: say('依规则同意', 'By rule'), colour: 'var(--c1)', pattern: 'stripe' },
    { key: 'narrowed', name: say('要求缩小', 'Narrowed'), colour: 'var(--c2)', pattern: 'dots' },
    { key: 'refused', name: say('拒绝', 'Refused'), colour: 'var(--c4)', pattern: 'cross' },
  ]
  const values = (tally: Tally) => ({
    answered: tally.answered,
    declined: tally.declined,
    aborted: tally.aborted,
    open: tally.open,
  })
  const figures: [string, number][] = [
    [say('令状申请', 'Warrants drafted'), s.warrants.drafted],
    [say('令状签发', 'Warrants issued'), s.warrants.issued],
    [say('签发时缩小', 'Issued narrower'), s.warrants.narrowed],
    [say('令状驳回', 'Drafts refused'), s.warrants.refused],
    [say('提出查询', 'Questions asked'), s.totals.asked],
    [say('已答复', 'Answered'), s.totals.answered],
    [say('系统拒绝', 'Denied by rule'), s.totals.denied],
    [say('答案总行数', 'Rows answered'), s.totals.rows],
  ]
  const custodians = s.by_institution.filter(
    (one) => one.approved + one.approved_by_rule + one.narrowed + one.declined > 0,
  )
  return (
    <div className="stack">
      <dl className="figures">
        {figures.map(([what, value]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{number(value, lang)}</dd>
          </div>
        ))}
      </dl>
      <div className="cols half">
        <Card title={say('按模板', 'By template')}>
          <Bars
            caption={say('按模板的查询结果', 'Questions by template and outcome')}
            parts={outcomes}
            bars={s.by_template.map((one) => ({ name: word(templates, one.template, lang), values: values(one) }))}
          />
        </Card>
        <Card title={say('按月', 'By month')}>
          <Bars
            caption={say('按月的查询结果', 'Questions by month and outcome')}
            parts={outcomes}
            bars={s.by_month.map((one) => ({ name: one.month, values: values(one) }))}
          />
        </Card>
      </div>
      <Card title={say('各机构的决定', 'Decisions of each institution')}>
        {custodians.length === 0 ? (
          <Blank icon={ChartColumn} title={say('还没有决定', 'No decisions yet')} />
        ) : (
          <Bars
            caption={say('各数据方的决定', 'Decisions of each custodian')}
            parts={decisions}
            bars={custodians.map((one) => ({
              name: name(one.institution),
              // `approved` counts all; those by rule are shown apart.
              values: {
                hand: Math.max(0, one.approved - one.approved_by_rule),
                rule: one.approved_by_rule,
                narrowed: one.narrowed,
                refused: one.declined,
              },
            }))}
          />
        )}
        <ul className="row small muted" style={{ marginTop: 12 }}>
          {custodians
            .filter((one) => one.decision_ms_median != null)
            .map((one) => (
              <li key={one.institution}>
                {name(one.institution)} · {say('决定用时中位数 ', 'median time to decide ')}
                {duration(one.decision_ms_median ?? 0, lang)}
              </li>
            ))}
        </ul>
      </Card>
    </div>
  )
}
