/** A custodian's standing rules: what its node may approve without a person. */
import { Plus, ScrollText, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useGet, useStale } from '../api/queries'
import type { MemberView, Rule, RulesView, TemplateView } from '../api/types'
import { useMembers } from '../app/names'
import { has, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { memberName, templates, word } from '../i18n/words'
import { count, number } from '../lib/format'
import { useKept } from '../lib/kept'
import { useSign } from '../sign/SignDialog'
import { Button, Card, Hex, IconButton, PageHead, Tag, When } from '../ui/basic'
import { Picks, Select, TextArea, TextField } from '../ui/form'
import { Await, Blank } from '../ui/state'

export function RulesPage() {
  const { say } = useSpeech()
  const rules = useGet<RulesView>('/v1/rules')
  return (
    <>
      <PageHead
        title={say('审批规则', 'Approval rules')}
        lead={say(
          '不超出规则的查询由本机构节点自行同意；规则经签名写入账本，超出规则的自动同意会被各验证节点拒绝。其余都由人决定。',
          'A question within a rule is approved by this institution’s node. Rules are signed and stand on the ledger: validators refuse an approval that none covers. Everything else is decided by hand.',
        )}
      />
      <Await query={rules}>{(view) => <Rules key={view.record ?? ''} view={view} />}</Await>
    </>
  )
}

interface Typed {
  template: string
  name: string
  hops: string
  cap: string
  subjects: string
  computing: string[]
}

const typed = (rule: Rule): Typed => ({
  template: rule.template,
  name: rule.name,
  hops: String(rule.hops),
  cap: String(rule.answer_cap),
  subjects: String(rule.subjects),
  computing: rule.computing ?? [],
})

/** Joint questions are computed by three. */
const COMPUTING = 3
/** Who may be among them: custodians of the question, and its authority. */
const mayCompute = (member: MemberView) => member.roles.some((role) => role === 'custodian' || role === 'authority')
const whole = (text: string) => /^\d{1,9}$/.test(text) && Number(text) >= 1

function Rules({ view }: { view: RulesView }) {
  const { say, lang } = useSpeech()
  const session = useSession()
  const stale = useStale()
  const sign = useSign()
  const may = has(session, 'approver')
  const [rules, setRules, drop] = useKept<Typed[]>(`rules/${view.record ?? ''}`, () => view.rules.map(typed))
  const [reason, setReason] = useState('')
  const known = useGet<TemplateView[]>('/v1/templates', { staleTime: Number.POSITIVE_INFINITY })
  const members = useMembers()
  const computers = (members.data ?? []).filter(mayCompute)
  const isJoint = (template: string) => Boolean(known.data?.find((t) => t.template === template)?.joint)
  const named = (ids: readonly string[]) =>
    ids.map((id) => memberName(members.data?.find((m) => m.institution === id)?.name ?? id, lang))
  const changed = JSON.stringify(rules) !== JSON.stringify(view.rules.map(typed))
  const few = (rule: Typed) => isJoint(rule.template) && rule.computing.length < COMPUTING
  const good = rules.every(
    (rule) => rule.name.trim() && whole(rule.hops) && whole(rule.cap) && whole(rule.subjects) && !few(rule),
  )
  const set = (at: number, part: Partial<Typed>) =>
    setRules((before) => before.map((rule, i) => (i === at ? { ...rule, ...part } : rule)))
  const list = known.data?.map((t) => t.template) ?? Object.keys(templates)
  const byHand = list.filter((t) => !rules.some((rule) => rule.template === t))

  const save = () =>
    sign({
      act: {
        act: 'change-rules',
        ...(view.record && { replaces: view.record }),
        reason: reason.trim(),
        rules: rules.map((rule) => ({
          name: rule.name.trim(),
          template: rule.template,
          hops: Number(rule.hops),
          answer_cap: Number(rule.cap),
          subjects: Number(rule.subjects),
          ...(isJoint(rule.template) && { computing: rule.computing }),
        })),
      },
      onDone: () => {
        drop()
        stale('/v1/rules')
      },
    })
  return (
    <div className="cols main-side">
      <div className="stack">
        {rules.length === 0 && (
          <Card>
            <Blank icon={ScrollText} title={say('没有规则：一律由人决定', 'No rules: everything is decided by hand')} />
          </Card>
        )}
        {rules.map((rule, i) => (
          // Rules are told apart by their place while they are typed.
          <Card
            key={i}
            title={word(templates, rule.template, lang)}
            extra={
              may && (
                <IconButton
                  small
                  icon={Trash2}
                  label={say('删除此规则', 'Remove this rule')}
                  onClick={() => setRules((before) => before.filter((_, at) => at !== i))}
                />
              )
            }
          >
            <div className="stack">
              <p>
                {say(
                  `答案至多 ${rule.cap} 行、至多 ${rule.hops} 跳、对象至多 ${rule.subjects} 个时，自动同意。`,
                  `Approve by itself where the answer has at most ${count(Number(rule.cap), 'row')} and ${count(Number(rule.hops), 'hop')}, and the warrant at most ${count(Number(rule.subjects), 'subject')}.`,
                )}
              </p>
              {rule.computing.length > 0 && (
                <p>
                  {say(
                    `只由其中三家计算时：${named(rule.computing).join('、')}。`,
                    `And where three of these compute it: ${named(rule.computing).join(', ')}.`,
                  )}
                </p>
              )}
              {may && (
                <div className="pair">
                  <Select
                    label={say('模板', 'Template')}
                    value={rule.template}
                    onChange={(e) => set(i, { template: e.target.value })}
                    options={list.map((t) => [t, word(templates, t, lang)] as const)}
                  />
                  <TextField
                    label={say('规则名', 'Rule’s name')}
                    value={rule.name}
                    onChange={(e) => set(i, { name: e.target.value })}
                    error={rule.name.trim() ? undefined : say('请命名', 'Name it')}
                    hint={say('会出现在记录里', 'It appears on record')}
                  />
                  <TextField
                    label={say('行数至多', 'Rows at most')}
                    inputMode="numeric"
                    value={rule.cap}
                    onChange={(e) => set(i, { cap: e.target.value })}
                    error={whole(rule.cap) ? undefined : say('正整数', 'A positive number')}
                  />
                  <TextField
                    label={say('跳数至多', 'Hops at most')}
                    inputMode="numeric"
                    value={rule.hops}
                    onChange={(e) => set(i, { hops: e.target.value })}
                    error={whole(rule.hops) ? undefined : say('正整数', 'A positive number')}
                  />
                  <TextField
                    label={say('对象至多', 'Subjects at most')}
                    inputMode="numeric"
                    value={rule.subjects}
                    onChange={(e) => set(i, { subjects: e.target.value })}
                    error={whole(rule.subjects) ? undefined : say('正整数', 'A positive number')}
                  />
                </div>
              )}
              {may && isJoint(rule.template) && (
                <Picks
                  legend={say('可参与计算的机构', 'Who may compute')}
                  chosen={rule.computing}
                  onChange={(computing) => set(i, { computing })}
                  error={few(rule) ? say('至少三家', 'At least three') : undefined}
                  options={computers.map((m) => ({ value: m.institution, name: memberName(m.name, lang) }))}
                />
              )}
            </div>
          </Card>
        ))}
        {may && (
          <div>
            <Button
              icon={Plus}
              onClick={() =>
                setRules((before) => [
                  ...before,
                  {
                    template: byHand[0] ?? list[0] ?? 'identify',
                    name: `small-${byHand[0] ?? 'identify'}`,
                    hops: '1',
                    cap: '100',
                    subjects: '20',
                    computing: [],
                  },
                ])
              }
            >
              {say('加一条规则', 'Add a rule')}
            </Button>
          </div>
        )}
        {byHand.length > 0 && (
          <p className="muted">
            {say('一律由人决定的模板：', 'Always decided by hand: ')}
            {byHand.map((t) => (
              <Tag key={t}>{word(templates, t, lang)}</Tag>
            ))}
          </p>
        )}
      </div>
      <div className="stack sticky">
        {may && (
          <Card title={say('生效', 'Put in force')}>
            <div className="stack">
              <TextArea label={say('为何修改', 'Why')} value={reason} onChange={(e) => setReason(e.target.value)} />
              <Button tone="primary" disabled={!changed || !good || !reason.trim()} onClick={save}>
                {say('核对并签名…', 'Review and sign…')}
              </Button>
            </div>
          </Card>
        )}
        <Card title={say('历次修改', 'History')}>
          {view.history.length === 0 ? (
            <p className="muted">{say('还没有过规则。', 'There never were any.')}</p>
          ) : (
            <ul className="stack-s">
              {view.history.map((entry) => (
                <li key={entry.record}>
                  <div className="small muted">
                    <Hex id={entry.record} /> · {entry.changed_by} · <When ms={entry.changed_ms} />
                  </div>
                  <div>{entry.reason}</div>
                  <div className="small muted">
                    {say(`${number(entry.rules.length, lang)} 条规则`, `${number(entry.rules.length, lang)} rules`)}
                  </div>
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
    </div>
  )
}
