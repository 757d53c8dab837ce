/** A plan in plain words: who computes what, what each side learns, what it costs. */
import { Ear, EyeOff, Server, ShieldCheck } from 'lucide-react'
import type { PlanView, Words } from '../api/types'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { columns, roles, tables, templates, word } from '../i18n/words'
import { bytes, count, duration, moment, number, windowText, yuan } from '../lib/format'
import { Card, Facts, Hex, Said, Tags } from '../ui/basic'

export function WordList({ words, icon: Icon, tone }: { words: readonly Words[]; icon: typeof Ear; tone?: string }) {
  const { pick } = useSpeech()
  return (
    <ul className="plain-words">
      {words.map((item) => (
        <li key={item.text_en}>
          <Icon size={15} aria-hidden style={tone ? { color: `var(--${tone})` } : undefined} />
          <span>{pick(item)}</span>
        </li>
      ))}
    </ul>
  )
}

export function Plan({ plan }: { plan: PlanView }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const amount = plan.parameters.min_amount_minor
  const within = plan.parameters.within_ms
  // A joint question has no lookups: its tables are shared and computed over together.
  const joint = plan.steps.length === 0
  return (
    <div className="stack">
      <Card title={say(plan.title_zh, plan.title_en)}>
        <Facts
          items={[
            [say('模板', 'Template'), word(templates, plan.template, lang)],
            [say('数据时段', 'Window'), windowText(plan.window_ms)],
            !joint && [
              say('限度', 'Bounds'),
              say(
                `${plan.hops} 跳，答案至多 ${number(plan.answer_cap, lang)} 行；超出则不予打开`,
                `${count(plan.hops, 'hop')}, at most ${count(plan.answer_cap, 'row')}; an answer with more does not open`,
              ),
            ],
            amount ? [say('最低金额', 'Least amount'), `${yuan(amount, lang)} ${say('元', 'yuan')}`] : null,
            within ? [say('转入与转出最长间隔', 'Longest time between in and out'), duration(within, lang)] : null,
            [say('方案摘要', 'Plan digest'), <Hex key="p" id={plan.plan} />],
          ]}
        />
      </Card>
      {joint && (
        <Card title={say('怎样算', 'How it is computed')}>
          <ol className="stack-s plan-lines">
            {(lang === 'zh' ? plan.lines_zh : plan.lines_en).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ol>
        </Card>
      )}
      {!joint && (
        <Card title={say('计算步骤', 'Steps')}>
          <ol className="steps">
            {plan.steps.map((step) => (
              <li key={step.step}>
                <span className="no" aria-hidden>
                  {step.step + 1}
                </span>
                <div>
                  <div>
                    <Said text={say(step.text_zh, step.text_en)} />
                  </div>
                  <div className="small muted">
                    {say('由 ', 'by ')}
                    {step.by.map(name).join(say('、', ', '))}
                  </div>
                </div>
              </li>
            ))}
          </ol>
        </Card>
      )}
      <Card title={say('谁做什么，谁知道什么', 'Who does what, who learns what')} flush>
        <div className="parties">
          {plan.parties.map((party) => (
            <section key={party.institution}>
              <h3>
                {name(party.institution)} <span className="tag">{word(roles, party.role, lang)}</span>
              </h3>
              <div className="pair">
                <div>
                  <h4 className="small muted">{say('做什么', 'Computes')}</h4>
                  <WordList words={party.computes} icon={Server} />
                </div>
                <div>
                  <h4 className="small muted">{say('会知道', 'Learns')}</h4>
                  <WordList words={party.learns} icon={Ear} tone="wait" />
                </div>
              </div>
            </section>
          ))}
        </div>
      </Card>
      <div className="cols half">
        <Card title={say('设计上的泄露', 'Leaks by design')}>
          <WordList words={plan.leaks} icon={Ear} tone="wait" />
        </Card>
        <Card title={say('谁都不会知道', 'What nobody learns')}>
          <WordList words={plan.withheld} icon={EyeOff} tone="good" />
        </Card>
      </div>
      <Card title={say('所读数据', 'Tables that are read')} flush>
        <div className="table-wrap" tabIndex={0} role="group" aria-label={say('所读数据', 'Tables that are read')}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{say('数据方', 'Custodian')}</th>
                <th scope="col">{say('数据表', 'Table')}</th>
                <th scope="col" className="num">
                  {say('行数', 'Rows')}
                </th>
                <th scope="col">{say('提取时间', 'Extracted')}</th>
                <th scope="col">{say('快照', 'Snapshot')}</th>
              </tr>
            </thead>
            <tbody>
              {plan.tables.map((table) => (
                <tr key={table.snapshot}>
                  <td>{name(table.institution)}</td>
                  <td>{word(tables, table.table, lang)}</td>
                  <td className="num">{number(table.rows, lang)}</td>
                  <td>{moment(table.extracted_ms)}</td>
                  <td>
                    <Hex id={table.snapshot} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
    </div>
  )
}

export function Cost({ plan }: { plan: PlanView }) {
  const { say, lang } = useSpeech()
  const { cost } = plan
  const looks = plan.steps.length > 0
  return (
    <Card title={say('代价', 'Cost')}>
      <Facts
        items={[
          looks && [say('通信轮数', 'Rounds'), number(cost.rounds, lang)],
          looks && [say('查表次数', 'Lookups'), number(cost.lookups, lang)],
          looks && [say('首步查询值', 'Selectors first'), number(cost.selectors_first, lang)],
          looks && [say('每步至多', 'A step at most'), number(cost.selectors_max, lang)],
          [say('剩余次数', 'Runs left'), number(cost.runs_left, lang)],
          cost.last
            ? [say('上次同类', 'Last of its kind'), `${bytes(cost.last.bytes)} · ${duration(cost.last.took_ms, lang)}`]
            : null,
        ]}
      />
    </Card>
  )
}

/** A custodian's own side: what would leave, to whom, and what would not. */
export function Custody({ plan }: { plan: PlanView }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const custody = plan.custody
  if (!custody) return null
  return (
    <Card title={say('本机构：什么会离开，什么不会', 'This institution: what would leave, and what would not')}>
      <div className="custody">
        <section className="leaves">
          <h3>{say(`会离开，交给${name(custody.to)}`, `Would leave, to ${name(custody.to)}`)}</h3>
          <WordList words={custody.leaves} icon={Server} tone="wait" />
          {Object.entries(custody.columns).map(([table, names]) => (
            <div key={table} className="row">
              <strong className="small">{word(tables, table, lang)}</strong>
              <Tags items={names.map((column) => word(columns, column, lang))} />
            </div>
          ))}
        </section>
        <section className="stays">
          <h3>{say('不会离开', 'Would not leave')}</h3>
          <WordList words={custody.stays} icon={ShieldCheck} tone="good" />
        </section>
        <section className="learns">
          <h3>{say('本机构会知道', 'This institution learns')}</h3>
          <WordList words={custody.learns} icon={Ear} />
        </section>
      </div>
    </Card>
  )
}
