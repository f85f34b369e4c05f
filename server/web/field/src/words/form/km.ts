// ខ្មែរ, the form's controls. A draft: nobody who speaks the language has checked it.
import type { FormTexts } from "./index.ts";

export const km: FormTexts = {
  next: "បន្ទាប់", back: "ត្រឡប់", finish: "បញ្ចប់បទសម្ភាសន៍", contents: "ទំព័រទាំងអស់", page_of: "ទំព័រ {page} ក្នុង {pages}", last_page: "ទំព័រចុងក្រោយ",
  language: "ភាសា", saved: "បានរក្សាទុកលើទូរស័ព្ទនេះ", saving: "កំពុងរក្សាទុក…", unsaved: "មិនទាន់រក្សាទុក",
  save_failed: "រក្សាទុកមិនបាន។ ចម្លើយនៅទីនេះ កំពុងសាកម្តងទៀត។",
  waiting_consent: "មិនរក្សាអ្វីមុនពេលគាត់យល់ព្រម។",
  dropped_title: "មិនបានរក្សាអ្វី", dropped_text: "គាត់មិនយល់ព្រម។ គ្មានចម្លើយណាត្រូវបានរក្សាទុក។ នៅតែផ្តល់ជំនួយ។",
  refusal_title: "គាត់មិនយល់ព្រមឬ?", refusal_text: "អ្វីដែលបានសរសេរនឹងត្រូវបោះចោលពីទូរស័ព្ទឥឡូវ។ រាប់តែចំនួនការបដិសេធ។", refusal_yes: "បាទ/ចាស បោះចោលទាំងអស់", refusal_no: "ទេ ត្រឡប់",
  required: "ត្រូវការ", error_required: "សូមឆ្លើយសំណួរនេះ។", error_constraint: "ចម្លើយនេះមិនត្រូវ។", errors_here: "ចម្លើយ {count} លើទំព័រនេះត្រូវមើលម្តងទៀត។", errors_here_one: "ចម្លើយមួយលើទំព័រនេះត្រូវមើលម្តងទៀត។", next_anyway: "បន្តដោយគ្មានចម្លើយទាំងនេះ",
  problem_number: "សូមសរសេរលេខ។", problem_whole: "សូមសរសេរលេខគត់។", problem_comma: "សូមសរសេរលេខដោយគ្មានក្បៀស ប្រើចំណុចមុនទសភាគ។", problem_date: "សូមសរសេរថ្ងៃ ដូចជា 31/3/2026។", problem_time: "សូមបន្ថែមម៉ោង។", problem_geo: "នេះមិនមែនទីតាំង។", problem_long: "អត្ថបទវែងពេក។", problem_code: "គ្មានជម្រើសនេះ។",
  date_hint: "ថ្ងៃ/ខែ/ឆ្នាំ", month_hint: "ខែ/ឆ្នាំ", year_hint: "ឆ្នាំ", date_is: "{date}", date_buddhist: "ព.ស. {year} គឺ {date}។", calendar: "ប្រតិទិន", time_label: "ម៉ោង", date_label: "ថ្ងៃ",
  clear: "លុបចម្លើយ", search: "ស្វែងរក", search_none: "រកមិនឃើញ។", search_more: "នៅ {count} ទៀត។ សរសេរពីរបីអក្សរដើម្បីរក។", choose: "ជ្រើស…", remove_choice: "ដក {what}", change: "ប្តូរ", more_guidance: "បន្ថែមអំពីសំណួរនេះ",
  listen: "ស្តាប់", stop: "ឈប់", picture_missing: "បាត់រូប",
  rank_up: "{what}៖ ឡើងមួយ", rank_down: "{what}៖ ចុះមួយ", rank_ok: "លំដាប់នេះត្រូវ", rank_open: "មិនទាន់រៀបលំដាប់", rank_now: "{what} ឥឡូវលេខ {place}",
  acknowledge: "បាទ/ចាស រួចហើយ", range_open: "មិនទាន់ឆ្លើយ", range_less: "តិចជាង", range_more: "ច្រើនជាង",
  position_take: "យកទីតាំងឥឡូវ", position_wait: "កំពុងរកទីតាំង…", position_failed: "រកទីតាំងមិនឃើញ។ សូមសាកនៅទីវាល។", position_at: "{lat}, {lon} (ក្នុង {metres} ម)", position_point: "បន្ថែមចំណុចនៅទីនេះ", position_points: "ចំណុច {count}", position_undo: "ដកចំណុចចុងក្រោយ",
  image_add: "ថត ឬជ្រើសរូប", audio_add: "ថត ឬជ្រើសសំឡេង", video_add: "ថត ឬជ្រើសវីដេអូ", file_add: "ជ្រើសឯកសារ", file_adding: "កំពុងបន្ថែម…", file_failed: "បន្ថែមឯកសារនេះមិនបាន។", file_remove: "ដកឯកសារ", file_here: "ឯកសារ {size}", file_missing: "ឯកសារនេះមិនទាន់មកដល់ទូរស័ព្ទនេះ។",
  scan: "ស្កេន", scan_stop: "ឈប់ស្កេន", scan_failed: "ប្រើកាមេរ៉ាមិនបាន។",
  row_name: "{label} {number}", row_add: "បន្ថែម៖ {label}", row_remove: "ដក {row}", row_remove_sure: "ដក {row} និងចម្លើយទាំងអស់ក្នុងនោះឬ?", row_remove_yes: "បាទ/ចាស ដក", row_remove_no: "ទេ ទុក", row_removed: "បានដក {row}។", row_added: "បានបន្ថែម {row}។", rows_none: "មិនទាន់មាន។", row_contested: "មានអ្នកដកជួរនេះដោយមិនទាន់ឃើញអ្វីទាំងអស់ក្នុងនោះ។", group_fallback: "ផ្នែក",
  conflict_title: "ឆ្លើយខុសគ្នា", conflict_by: "{who}, {when}", conflict_you: "អ្នក, {when}", conflict_unknown: "នរណាម្នាក់, {when}", conflict_take: "សូមប៉ះចម្លើយដែលត្រូវ។", conflict_together: "ទាំងពីររួមគ្នា៖ {what}", conflict_leave: "ទុកទាំងពីរឱ្យអ្នកសម្របសម្រួល", conflict_left: "ចម្លើយទាំងពីរទុកឱ្យអ្នកសម្របសម្រួល។", conflict_show: "បង្ហាញម្តងទៀត",
  nothing: "គ្មានចម្លើយ", yes: "បាទ/ចាស", no: "ទេ", unreadable: "ចម្លើយដែលជំនាន់នេះបង្ហាញមិនបាន", not_offered: "បានកត់៖ {what}។ ឥឡូវទម្រង់គ្មានជម្រើសនេះ។",
  needs_decision: "មានតែអ្នកសម្របសម្រួលអាចដកវិញ។ ចម្លើយមុននៅដដែល។", not_allowed: "អ្នកមិនអាចប្តូរវា។ ចម្លើយមុននៅដដែល។", zawgyi: "ហាក់ដូចជាសរសេរដោយ Zawgyi។ សូមពិនិត្យអក្សរ គ្មានអ្វីត្រូវបានប្តូរ។",
  end_title: "ជិតចប់ហើយ", end_ok: "អ្វីដែលត្រូវការបានឆ្លើយទាំងអស់។", end_open: "សំណួរទាំងនេះនៅត្រូវការចម្លើយ៖", end_conflicts: "សំណួរទាំងនេះឆ្លើយខុសគ្នា៖", changed_meanwhile: "អ្នកផ្សេងបានប្តូរចម្លើយ {count} ក្នុងពេលនោះ។",
};
