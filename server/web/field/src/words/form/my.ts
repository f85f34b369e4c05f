// မြန်မာ, the form's controls. A draft: nobody who speaks the language has checked it.
import type { FormTexts } from "./index.ts";

export const my: FormTexts = {
  next: "ရှေ့သို့", back: "နောက်သို့", finish: "အင်တာဗျူး ပြီးဆုံးပါ", contents: "စာမျက်နှာအားလုံး", page_of: "စာမျက်နှာ {pages} တွင် {page}", last_page: "နောက်ဆုံးစာမျက်နှာ",
  language: "ဘာသာစကား", saved: "ဤဖုန်းတွင် သိမ်းပြီး", saving: "သိမ်းနေသည်…", unsaved: "မသိမ်းရသေး",
  save_failed: "သိမ်း၍ မရပါ။ အဖြေများ ဤနေရာတွင် ရှိသေးသည်၊ ထပ်စမ်းနေသည်။",
  waiting_consent: "သဘောမတူမီ ဘာမျှ မသိမ်းပါ။",
  dropped_title: "ဘာမျှ မသိမ်းပါ", dropped_text: "ထိုသူ သဘောမတူပါ။ အဖြေ တစ်ခုမျှ မသိမ်းပါ။ သို့သော် အကူအညီ ပေးပါ။",
  refusal_title: "ထိုသူ သဘောမတူဘူးလား။", refusal_text: "ရေးထားသမျှကို ဖုန်းမှ ယခု ဖယ်ရှားမည်။ ငြင်းဆိုမှု အရေအတွက်ကိုသာ ရေတွက်သည်။", refusal_yes: "ဟုတ်၊ အားလုံး ဖယ်ရှားပါ", refusal_no: "မဟုတ်၊ ပြန်သွားပါ",
  required: "လိုအပ်သည်", error_required: "ဤမေးခွန်းကို ဖြေပါ။", error_constraint: "ဤအဖြေ မကိုက်ညီပါ။", errors_here: "ဤစာမျက်နှာတွင် အဖြေ {count} ခု ပြန်ကြည့်ရန် လိုသည်။", errors_here_one: "ဤစာမျက်နှာတွင် အဖြေတစ်ခု ပြန်ကြည့်ရန် လိုသည်။", next_anyway: "ဤအဖြေများမပါဘဲ ဆက်ပါ",
  problem_number: "ဂဏန်း ရေးပါ။", problem_whole: "ကိန်းပြည့် ရေးပါ။", problem_comma: "ကော်မာမပါဘဲ ရေးပါ၊ ဒသမရှေ့တွင် အစက် သုံးပါ။", problem_date: "ရက်စွဲ ရေးပါ၊ ဥပမာ 31/3/2026။", problem_time: "အချိန် ထည့်ပါ။", problem_geo: "ဤသည် တည်နေရာ မဟုတ်ပါ။", problem_long: "စာ ရှည်လွန်းသည်။", problem_code: "ဤရွေးချယ်မှု မရှိပါ။",
  date_hint: "ရက်/လ/နှစ်", month_hint: "လ/နှစ်", year_hint: "နှစ်", date_is: "{date}", date_buddhist: "ဗုဒ္ဓနှစ် {year} သည် {date} ဖြစ်သည်။", calendar: "ပြက္ခဒိန်", time_label: "အချိန်", date_label: "ရက်စွဲ",
  clear: "အဖြေကို ဖျက်ပါ", search: "ရှာရန်", search_none: "မတွေ့ပါ။", search_more: "နောက်ထပ် {count} ခု။ ရှာရန် စာလုံးအနည်းငယ် ရေးပါ။", choose: "ရွေးပါ…", remove_choice: "{what} ဖယ်ပါ", change: "ပြောင်းပါ", more_guidance: "ဤမေးခွန်းအကြောင်း ထပ်ဆောင်း",
  listen: "နားထောင်ပါ", stop: "ရပ်ပါ", picture_missing: "ပုံ မရှိပါ",
  rank_up: "{what}− တစ်ဆင့်တက်", rank_down: "{what}− တစ်ဆင့်ဆင်း", rank_ok: "ဤအစဉ် မှန်သည်", rank_open: "အစဉ် မစီရသေး", rank_now: "{what} သည် ယခု နံပါတ် {place}",
  acknowledge: "ဟုတ်၊ ပြီးပြီ", range_open: "မဖြေရသေး", range_less: "လျှော့", range_more: "တိုး",
  position_take: "တည်နေရာ ယခုယူပါ", position_wait: "တည်နေရာ ရှာနေသည်…", position_failed: "တည်နေရာ မတွေ့ပါ။ ဟင်းလင်းပြင်တွင် ထပ်စမ်းပါ။", position_at: "{lat}, {lon} ({metres} မီတာအတွင်း)", position_point: "ဤနေရာတွင် အမှတ်ထည့်ပါ", position_points: "အမှတ် {count} ခု", position_undo: "နောက်ဆုံးအမှတ် ဖယ်ပါ",
  image_add: "ဓာတ်ပုံ ရိုက်ပါ သို့မဟုတ် ရွေးပါ", audio_add: "အသံ ဖမ်းပါ သို့မဟုတ် ရွေးပါ", video_add: "ဗီဒီယို ရိုက်ပါ သို့မဟုတ် ရွေးပါ", file_add: "ဖိုင် ရွေးပါ", file_adding: "ထည့်နေသည်…", file_failed: "ဤဖိုင်ကို ထည့်၍ မရပါ။", file_remove: "ဖိုင် ဖယ်ပါ", file_here: "ဖိုင် {size}", file_missing: "ဤဖိုင် ဤဖုန်းသို့ မရောက်သေးပါ။",
  scan: "စကင်ဖတ်ပါ", scan_stop: "စကင်ရပ်ပါ", scan_failed: "ကင်မရာ သုံး၍ မရပါ။",
  row_name: "{label} {number}", row_add: "ထည့်ပါ− {label}", row_remove: "{row} ဖယ်ပါ", row_remove_sure: "{row} နှင့် ၎င်းထဲရှိ အဖြေအားလုံး ဖယ်မလား။", row_remove_yes: "ဟုတ်၊ ဖယ်ပါ", row_remove_no: "မဟုတ်၊ ထားပါ", row_removed: "{row} ဖယ်ပြီး။", row_added: "{row} ထည့်ပြီး။", rows_none: "မရှိသေးပါ။", row_contested: "၎င်းထဲရှိသမျှ မမြင်ဘဲ တစ်ဦးက ဤအတန်းကို ဖယ်ခဲ့သည်။", group_fallback: "အပိုင်း",
  conflict_title: "အဖြေ မတူပါ", conflict_by: "{who}, {when}", conflict_you: "သင်, {when}", conflict_unknown: "တစ်ဦးဦး, {when}", conflict_take: "မှန်သည့်ဟာကို ထိပါ။", conflict_together: "နှစ်ခုပေါင်း− {what}", conflict_leave: "နှစ်ခုလုံး ညှိနှိုင်းရေးမှူးအတွက် ထားပါ", conflict_left: "အဖြေနှစ်ခုလုံး ညှိနှိုင်းရေးမှူးအတွက် ထားသည်။", conflict_show: "ပြန်ပြပါ",
  nothing: "အဖြေ မရှိ", yes: "ဟုတ်", no: "မဟုတ်", unreadable: "ဤဗားရှင်းက မပြနိုင်သော အဖြေ", not_offered: "မှတ်ထားသည်− {what}။ ယခု ပုံစံတွင် ဤရွေးချယ်မှု မရှိပါ။",
  needs_decision: "ညှိနှိုင်းရေးမှူးသာ ပြန်ရုပ်သိမ်းနိုင်သည်။ ယခင်အဖြေ ရှိနေသည်။", not_allowed: "သင် ဤသည်ကို မပြောင်းနိုင်ပါ။ ယခင်အဖြေ ရှိနေသည်။", zawgyi: "ဇော်ဂျီဖြင့် ရေးထားပုံရသည်။ စာလုံးများ စစ်ပါ၊ ဘာမျှ မပြောင်းထားပါ။",
  end_title: "ပြီးတော့မည်", end_ok: "လိုအပ်သမျှ ဖြေပြီးပါပြီ။", end_open: "ဤမေးခွန်းများ ဖြေရန် ကျန်သည်−", end_conflicts: "ဤမေးခွန်းများ အဖြေမတူပါ−", changed_meanwhile: "ထိုအတောအတွင်း အဖြေ {count} ခုကို အခြားသူများ ပြောင်းခဲ့သည်။",
};
