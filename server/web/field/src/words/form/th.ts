// ไทย, the form's controls. A draft: nobody who speaks the language has checked it.
import type { FormTexts } from "./index.ts";

export const th: FormTexts = {
  next: "ต่อไป", back: "กลับ", finish: "จบการสัมภาษณ์", contents: "ทุกหน้า", page_of: "หน้า {page} จาก {pages}", last_page: "หน้าสุดท้าย",
  language: "ภาษา", saved: "บันทึกบนโทรศัพท์เครื่องนี้แล้ว", saving: "กำลังบันทึก…", unsaved: "ยังไม่บันทึก",
  save_failed: "บันทึกไม่ได้ คำตอบยังอยู่ที่นี่ กำลังลองใหม่",
  waiting_consent: "ไม่เก็บอะไรก่อนที่ผู้ให้ข้อมูลจะยินยอม",
  dropped_title: "ไม่ได้เก็บอะไร", dropped_text: "ผู้ให้ข้อมูลไม่ยินยอม ไม่มีการเก็บคำตอบ แต่ยังควรเสนอความช่วยเหลือ",
  refusal_title: "ผู้ให้ข้อมูลไม่ยินยอมใช่ไหม", refusal_text: "ทุกอย่างที่เขียนจะถูกทิ้งจากโทรศัพท์เดี๋ยวนี้ นับเพียงจำนวนการปฏิเสธ", refusal_yes: "ใช่ ทิ้งทั้งหมด", refusal_no: "ไม่ กลับไป",
  required: "จำเป็น", error_required: "โปรดตอบคำถามนี้", error_constraint: "คำตอบนี้ไม่เหมาะ", errors_here: "มี {count} คำตอบในหน้านี้ที่ต้องดูอีกครั้ง", errors_here_one: "มีหนึ่งคำตอบในหน้านี้ที่ต้องดูอีกครั้ง", next_anyway: "ไปต่อโดยไม่ตอบข้อเหล่านี้",
  problem_number: "โปรดเขียนตัวเลข", problem_whole: "โปรดเขียนจำนวนเต็ม", problem_comma: "โปรดเขียนตัวเลขโดยไม่มีจุลภาค ใช้จุดก่อนทศนิยม", problem_date: "โปรดเขียนวันที่ เช่น 31/3/2026", problem_time: "โปรดเพิ่มเวลา", problem_geo: "นี่ไม่ใช่ตำแหน่ง", problem_long: "ข้อความยาวเกินไป", problem_code: "ไม่มีตัวเลือกนี้",
  date_hint: "วัน/เดือน/ปี", month_hint: "เดือน/ปี", year_hint: "ปี", date_is: "{date}", date_buddhist: "พ.ศ. {year} คือ {date}", calendar: "ปฏิทิน", time_label: "เวลา", date_label: "วันที่",
  clear: "ล้างคำตอบ", search: "ค้นหา", search_none: "ไม่พบอะไร", search_more: "อีก {count} รายการ พิมพ์สองสามตัวอักษรเพื่อค้นหา", choose: "เลือก…", remove_choice: "เอา {what} ออก", change: "เปลี่ยน", more_guidance: "เพิ่มเติมเกี่ยวกับคำถามนี้",
  listen: "ฟัง", stop: "หยุด", picture_missing: "ไม่มีภาพ",
  rank_up: "{what}: ขึ้นหนึ่ง", rank_down: "{what}: ลงหนึ่ง", rank_ok: "ลำดับนี้ถูกต้อง", rank_open: "ยังไม่เรียงลำดับ", rank_now: "{what} อยู่ลำดับ {place} แล้ว",
  acknowledge: "ใช่ เสร็จแล้ว", range_open: "ยังไม่ตอบ", range_less: "น้อยลง", range_more: "มากขึ้น",
  position_take: "บันทึกตำแหน่งตอนนี้", position_wait: "กำลังหาตำแหน่ง…", position_failed: "ไม่พบตำแหน่ง ลองใหม่ในที่โล่ง", position_at: "{lat}, {lon} (ภายใน {metres} ม.)", position_point: "เพิ่มจุดที่นี่", position_points: "{count} จุด", position_undo: "เอาจุดสุดท้ายออก",
  image_add: "ถ่ายหรือเลือกภาพ", audio_add: "บันทึกหรือเลือกเสียง", video_add: "บันทึกหรือเลือกวิดีโอ", file_add: "เลือกไฟล์", file_adding: "กำลังเพิ่ม…", file_failed: "เพิ่มไฟล์นี้ไม่ได้", file_remove: "เอาไฟล์ออก", file_here: "ไฟล์ขนาด {size}", file_missing: "ไฟล์นี้ยังมาไม่ถึงโทรศัพท์เครื่องนี้",
  scan: "สแกน", scan_stop: "หยุดสแกน", scan_failed: "ใช้กล้องไม่ได้",
  row_name: "{label} {number}", row_add: "เพิ่ม: {label}", row_remove: "เอา {row} ออก", row_remove_sure: "เอา {row} และคำตอบทั้งหมดในนั้นออกไหม", row_remove_yes: "ใช่ เอาออก", row_remove_no: "ไม่ เก็บไว้", row_removed: "เอา {row} ออกแล้ว", row_added: "เพิ่ม {row} แล้ว", rows_none: "ยังไม่มี", row_contested: "มีคนเอาแถวนี้ออกโดยยังไม่เห็นทุกอย่างในนั้น", group_fallback: "ส่วน",
  conflict_title: "ตอบต่างกัน", conflict_by: "{who}, {when}", conflict_you: "คุณ, {when}", conflict_unknown: "ใครบางคน, {when}", conflict_take: "แตะข้อที่ถูก", conflict_together: "รวมทั้งสอง: {what}", conflict_leave: "ฝากทั้งสองให้ผู้ประสานงาน", conflict_left: "ทั้งสองคำตอบฝากไว้กับผู้ประสานงาน", conflict_show: "แสดงอีกครั้ง",
  nothing: "ไม่มีคำตอบ", yes: "ใช่", no: "ไม่", unreadable: "คำตอบที่รุ่นนี้แสดงไม่ได้", not_offered: "บันทึกไว้: {what} ตอนนี้แบบสอบถามไม่มีตัวเลือกนี้",
  needs_decision: "มีเพียงผู้ประสานงานที่ถอนได้ คำตอบเดิมยังอยู่", not_allowed: "คุณเปลี่ยนข้อนี้ไม่ได้ คำตอบเดิมยังอยู่", zawgyi: "ดูเหมือนเขียนด้วย Zawgyi โปรดตรวจตัวอักษร ไม่มีอะไรถูกเปลี่ยน",
  end_title: "เกือบเสร็จแล้ว", end_ok: "ตอบข้อที่จำเป็นครบแล้ว", end_open: "คำถามเหล่านี้ยังต้องการคำตอบ:", end_conflicts: "ข้อเหล่านี้ตอบต่างกัน:", changed_meanwhile: "มีคนอื่นเปลี่ยน {count} คำตอบในระหว่างนั้น",
};
