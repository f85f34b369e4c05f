// ລາວ, the form's controls. A draft: nobody who speaks the language has checked it.
import type { FormTexts } from "./index.ts";

export const lo: FormTexts = {
  next: "ຕໍ່ໄປ", back: "ກັບຄືນ", finish: "ຈົບການສຳພາດ", contents: "ທຸກໜ້າ", page_of: "ໜ້າ {page} ໃນ {pages}", last_page: "ໜ້າສຸດທ້າຍ",
  language: "ພາສາ", saved: "ບັນທຶກໃນໂທລະສັບເຄື່ອງນີ້ແລ້ວ", saving: "ກຳລັງບັນທຶກ…", unsaved: "ຍັງບໍ່ໄດ້ບັນທຶກ",
  save_failed: "ບັນທຶກບໍ່ໄດ້. ຄຳຕອບຍັງຢູ່ນີ້; ກຳລັງລອງໃໝ່.",
  waiting_consent: "ບໍ່ເກັບຫຍັງກ່ອນຜູ້ກ່ຽວຍິນຍອມ.",
  dropped_title: "ບໍ່ໄດ້ເກັບຫຍັງ", dropped_text: "ຜູ້ກ່ຽວບໍ່ຍິນຍອມ. ບໍ່ມີຄຳຕອບຖືກເກັບ. ຍັງຄວນສະເໜີຄວາມຊ່ວຍເຫຼືອ.",
  refusal_title: "ຜູ້ກ່ຽວບໍ່ຍິນຍອມບໍ?", refusal_text: "ທຸກຢ່າງທີ່ຂຽນຈະຖືກຖິ້ມຈາກໂທລະສັບດຽວນີ້. ນັບແຕ່ຈຳນວນການປະຕິເສດ.", refusal_yes: "ແມ່ນ, ຖິ້ມທັງໝົດ", refusal_no: "ບໍ່, ກັບຄືນ",
  required: "ຈຳເປັນ", error_required: "ກະລຸນາຕອບຄຳຖາມນີ້.", error_constraint: "ຄຳຕອບນີ້ບໍ່ເໝາະ.", errors_here: "{count} ຄຳຕອບໃນໜ້ານີ້ຕ້ອງເບິ່ງອີກ.", errors_here_one: "ໜຶ່ງຄຳຕອບໃນໜ້ານີ້ຕ້ອງເບິ່ງອີກ.", next_anyway: "ໄປຕໍ່ໂດຍບໍ່ຕອບຂໍ້ເຫຼົ່ານີ້",
  problem_number: "ກະລຸນາຂຽນຕົວເລກ.", problem_whole: "ກະລຸນາຂຽນຈຳນວນເຕັມ.", problem_comma: "ກະລຸນາຂຽນຕົວເລກໂດຍບໍ່ມີຈຸດຂັ້ນ, ໃຊ້ຈຸດກ່ອນທົດສະນິຍົມ.", problem_date: "ກະລຸນາຂຽນວັນທີ, ເຊັ່ນ 31/3/2026.", problem_time: "ກະລຸນາເພີ່ມເວລາ.", problem_geo: "ນີ້ບໍ່ແມ່ນຕຳແໜ່ງ.", problem_long: "ຂໍ້ຄວາມຍາວເກີນໄປ.", problem_code: "ບໍ່ມີຕົວເລືອກນີ້.",
  date_hint: "ວັນ/ເດືອນ/ປີ", month_hint: "ເດືອນ/ປີ", year_hint: "ປີ", date_is: "{date}", date_buddhist: "ພ.ສ. {year} ແມ່ນ {date}.", calendar: "ປະຕິທິນ", time_label: "ເວລາ", date_label: "ວັນທີ",
  clear: "ລຶບຄຳຕອບ", search: "ຄົ້ນຫາ", search_none: "ບໍ່ພົບຫຍັງ.", search_more: "ອີກ {count}. ຂຽນສອງສາມຕົວອັກສອນເພື່ອຫາ.", choose: "ເລືອກ…", remove_choice: "ເອົາ {what} ອອກ", change: "ປ່ຽນ", more_guidance: "ເພີ່ມເຕີມກ່ຽວກັບຄຳຖາມນີ້",
  listen: "ຟັງ", stop: "ຢຸດ", picture_missing: "ບໍ່ມີຮູບ",
  rank_up: "{what}: ຂຶ້ນໜຶ່ງ", rank_down: "{what}: ລົງໜຶ່ງ", rank_ok: "ລຳດັບນີ້ຖືກ", rank_open: "ຍັງບໍ່ຈັດລຳດັບ", rank_now: "{what} ຢູ່ລຳດັບ {place} ແລ້ວ",
  acknowledge: "ແມ່ນ, ແລ້ວ", range_open: "ຍັງບໍ່ຕອບ", range_less: "ໜ້ອຍລົງ", range_more: "ຫຼາຍຂຶ້ນ",
  position_take: "ເອົາຕຳແໜ່ງດຽວນີ້", position_wait: "ກຳລັງຫາຕຳແໜ່ງ…", position_failed: "ບໍ່ພົບຕຳແໜ່ງ. ລອງໃໝ່ຢູ່ບ່ອນໂລ່ງ.", position_at: "{lat}, {lon} (ພາຍໃນ {metres} ມ)", position_point: "ເພີ່ມຈຸດຢູ່ນີ້", position_points: "{count} ຈຸດ", position_undo: "ເອົາຈຸດສຸດທ້າຍອອກ",
  image_add: "ຖ່າຍ ຫຼື ເລືອກຮູບ", audio_add: "ບັນທຶກ ຫຼື ເລືອກສຽງ", video_add: "ບັນທຶກ ຫຼື ເລືອກວິດີໂອ", file_add: "ເລືອກໄຟລ໌", file_adding: "ກຳລັງເພີ່ມ…", file_failed: "ເພີ່ມໄຟລ໌ນີ້ບໍ່ໄດ້.", file_remove: "ເອົາໄຟລ໌ອອກ", file_here: "ໄຟລ໌ຂະໜາດ {size}", file_missing: "ໄຟລ໌ນີ້ຍັງບໍ່ມາຮອດໂທລະສັບເຄື່ອງນີ້.",
  scan: "ສະແກນ", scan_stop: "ຢຸດສະແກນ", scan_failed: "ໃຊ້ກ້ອງບໍ່ໄດ້.",
  row_name: "{label} {number}", row_add: "ເພີ່ມ: {label}", row_remove: "ເອົາ {row} ອອກ", row_remove_sure: "ເອົາ {row} ແລະ ທຸກຄຳຕອບໃນນັ້ນອອກບໍ?", row_remove_yes: "ແມ່ນ, ເອົາອອກ", row_remove_no: "ບໍ່, ເກັບໄວ້", row_removed: "ເອົາ {row} ອອກແລ້ວ.", row_added: "ເພີ່ມ {row} ແລ້ວ.", rows_none: "ຍັງບໍ່ມີ.", row_contested: "ມີຄົນເອົາແຖວນີ້ອອກໂດຍຍັງບໍ່ເຫັນທຸກຢ່າງໃນນັ້ນ.", group_fallback: "ພາກ",
  conflict_title: "ຕອບຕ່າງກັນ", conflict_by: "{who}, {when}", conflict_you: "ທ່ານ, {when}", conflict_unknown: "ຜູ້ໃດຜູ້ໜຶ່ງ, {when}", conflict_take: "ແຕະອັນທີ່ຖືກ.", conflict_together: "ທັງສອງລວມກັນ: {what}", conflict_leave: "ປະທັງສອງໃຫ້ຜູ້ປະສານງານ", conflict_left: "ທັງສອງຄຳຕອບປະໃຫ້ຜູ້ປະສານງານ.", conflict_show: "ສະແດງອີກ",
  nothing: "ບໍ່ມີຄຳຕອບ", yes: "ແມ່ນ", no: "ບໍ່", unreadable: "ຄຳຕອບທີ່ລຸ້ນນີ້ສະແດງບໍ່ໄດ້", not_offered: "ບັນທຶກໄວ້: {what}. ຕອນນີ້ແບບຟອມບໍ່ມີຕົວເລືອກນີ້.",
  needs_decision: "ມີແຕ່ຜູ້ປະສານງານຖອນໄດ້. ຄຳຕອບເກົ່າຍັງຢູ່.", not_allowed: "ທ່ານປ່ຽນອັນນີ້ບໍ່ໄດ້. ຄຳຕອບເກົ່າຍັງຢູ່.", zawgyi: "ຄືວ່າຂຽນດ້ວຍ Zawgyi. ກະລຸນາກວດຕົວອັກສອນ; ບໍ່ມີຫຍັງຖືກປ່ຽນ.",
  end_title: "ເກືອບແລ້ວ", end_ok: "ຂໍ້ທີ່ຈຳເປັນຕອບໝົດແລ້ວ.", end_open: "ຄຳຖາມເຫຼົ່ານີ້ຍັງຕ້ອງການຄຳຕອບ:", end_conflicts: "ຂໍ້ເຫຼົ່ານີ້ຕອບຕ່າງກັນ:", changed_meanwhile: "ຜູ້ອື່ນປ່ຽນ {count} ຄຳຕອບໃນລະຫວ່າງນັ້ນ.",
};
