/** What the navigation shows: only what a person's duties allow. */
import {
  Activity,
  BadgeCheck,
  BellRing,
  ChartColumn,
  Compass,
  Database,
  FileSearch,
  Files,
  House,
  Inbox,
  type LucideIcon,
  Network,
  ScrollText,
  ShieldCheck,
  UsersRound,
  Vote,
} from 'lucide-react'
import type { Session } from '../api/types'
import { has, isOperator, plays } from './session'

export interface Place {
  to: string
  icon: LucideIcon
  zh: string
  en: string
  /** Which number stands beside it. */
  counts?: 'inbox' | 'alarms'
}
export interface Group {
  zh: string
  en: string
  places: Place[]
}

const place = (to: string, icon: LucideIcon, zh: string, en: string, counts?: Place['counts']): Place =>
  counts ? { to, icon, zh, en, counts } : { to, icon, zh, en }

export function navigation(session: Session): Group[] {
  const groups: Group[] = []
  const operator = isOperator(session)
  const auditor = has(session, 'auditor') && plays(session, 'overseer')
  if (!operator) {
    const work = [place('/', House, '今日', 'Today')]
    if (has(session, 'investigator', 'judge', 'approver')) work.push(place('/inbox', Inbox, '待办', 'Inbox', 'inbox'))
    work.push(place('/cases', Files, '案件', 'Cases'))
    groups.push({ zh: '办案', en: 'Casework', places: work })
  }
  const data: Place[] = []
  if (has(session, 'steward', 'approver') || operator)
    if (plays(session, 'custodian')) {
      data.push(place('/datasets', Database, '数据表', 'Datasets'))
      data.push(place('/rules', ScrollText, '审批规则', 'Rules'))
    }
  if (data.length) groups.push({ zh: '数据', en: 'Data', places: data })
  if (auditor) {
    groups.push({
      zh: '监督',
      en: 'Oversight',
      places: [
        place('/oversight', FileSearch, '全部卷宗', 'Dockets'),
        place('/oversight/records', ScrollText, '记录检索', 'Records'),
        place('/oversight/statistics', ChartColumn, '统计', 'Statistics'),
        place('/oversight/alarms', BellRing, '预警', 'Alarms', 'alarms'),
      ],
    })
  }
  const node: Place[] = []
  if (!operator) node.push(place('/verify', BadgeCheck, '核验证据包', 'Check a bundle'))
  if (operator || has(session, 'registrar')) {
    node.push(place('/officers', UsersRound, '经办人', 'Officers'))
    node.push(place('/members', Vote, '成员变更', 'Members'))
    node.push(place('/engine', Activity, '节点', 'Node'))
  }
  node.push(place('/network', Network, '网络', 'Network'))
  node.push(place('/tour', Compass, '角色导览', 'Tour of the roles'))
  groups.push({ zh: '机构', en: 'Institution', places: node })
  return groups
}

export const brandIcon = ShieldCheck
