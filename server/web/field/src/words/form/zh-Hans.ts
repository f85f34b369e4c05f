// 简体中文, the form's controls. A draft: nobody who speaks the language has checked it.
import type { FormTexts } from "./index.ts";

export const zhHans: FormTexts = {
  next: "下一步", back: "返回", finish: "结束访谈", contents: "所有页", page_of: "第 {page} 页，共 {pages} 页", last_page: "最后一页",
  language: "语言", saved: "已保存在这部手机上", saving: "正在保存…", unsaved: "尚未保存",
  save_failed: "无法保存。您的答案还在这里；正在重试。",
  waiting_consent: "对方同意之前不保存任何内容。",
  dropped_title: "没有保存任何内容", dropped_text: "对方没有同意。没有保存任何答案。仍请提供帮助。",
  refusal_title: "对方不同意？", refusal_text: "写下的一切现在会从手机上清除。只记录拒绝的次数。", refusal_yes: "是，全部清除", refusal_no: "不，返回",
  required: "必答", error_required: "请回答这个问题。", error_constraint: "这个答案不合适。", errors_here: "本页有 {count} 个答案需要再看看。", errors_here_one: "本页有一个答案需要再看看。", next_anyway: "不填这些答案，继续",
  problem_number: "请写一个数字。", problem_whole: "请写一个整数。", problem_comma: "请不要用逗号，小数前用点。", problem_date: "请写日期，例如 31/3/2026。", problem_time: "请加上时间。", problem_geo: "这不是一个位置。", problem_long: "文字太长。", problem_code: "没有这个选项。",
  date_hint: "日/月/年", month_hint: "月/年", year_hint: "年", date_is: "{date}", date_buddhist: "佛历 {year} 年是 {date}。", calendar: "日历", time_label: "时间", date_label: "日期",
  clear: "清除答案", search: "搜索", search_none: "没有找到。", search_more: "还有 {count} 个。请输入几个字查找。", choose: "请选择…", remove_choice: "去掉 {what}", change: "更改", more_guidance: "关于这个问题的说明",
  listen: "听", stop: "停", picture_missing: "缺少图片",
  rank_up: "{what}：上移", rank_down: "{what}：下移", rank_ok: "这个顺序正确", rank_open: "尚未排序", rank_now: "{what} 现在是第 {place}",
  acknowledge: "是，完成", range_open: "尚未回答", range_less: "减少", range_more: "增加",
  position_take: "现在取位置", position_wait: "正在找位置…", position_failed: "找不到位置。请到空旷处再试。", position_at: "{lat}, {lon}（{metres} 米内）", position_point: "在这里加一个点", position_points: "{count} 个点", position_undo: "去掉最后一个点",
  image_add: "拍照或选照片", audio_add: "录音或选录音", video_add: "录像或选视频", file_add: "选文件", file_adding: "正在添加…", file_failed: "无法添加这个文件。", file_remove: "去掉文件", file_here: "文件，{size}", file_missing: "这个文件还没有到这部手机。",
  scan: "扫描", scan_stop: "停止扫描", scan_failed: "无法使用相机。",
  row_name: "{label} {number}", row_add: "添加：{label}", row_remove: "去掉 {row}", row_remove_sure: "去掉 {row} 和里面的所有答案？", row_remove_yes: "是，去掉", row_remove_no: "不，保留", row_removed: "已去掉 {row}。", row_added: "已添加 {row}。", rows_none: "还没有。", row_contested: "有人没有看全里面的内容就去掉了这一行。", group_fallback: "部分",
  conflict_title: "答案不同", conflict_by: "{who}，{when}", conflict_you: "您，{when}", conflict_unknown: "某人，{when}", conflict_take: "请点正确的那个。", conflict_together: "两个合在一起：{what}", conflict_leave: "两个都留给协调员", conflict_left: "两个答案都留给协调员。", conflict_show: "再次显示",
  nothing: "没有答案", yes: "是", no: "否", unreadable: "这个版本无法显示的答案", not_offered: "已记录：{what}。问卷现在没有这个选项。",
  needs_decision: "只有协调员可以收回。之前的答案保留。", not_allowed: "您不能更改这个。之前的答案保留。", zawgyi: "这看起来是用 Zawgyi 写的。请检查文字；什么都没改。",
  end_title: "快完成了", end_ok: "必答的都已回答。", end_open: "这些问题还需要回答：", end_conflicts: "这些问题的答案不同：", changed_meanwhile: "在此期间别人改了 {count} 个答案。",
};
