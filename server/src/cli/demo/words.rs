//! Words of the region for the demonstration. Invented; nobody said them.

/// A language of the interviews, with free texts in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Language {
    /// The code that the form has for it.
    pub(super) code: &'static str,
    /// Its name in English.
    pub(super) name: &'static str,
    /// Provinces.
    pub(super) places: [&'static str; 3],
    /// What to mind when getting in touch.
    pub(super) contact: [&'static str; 2],
    /// Notes of the interviewer.
    pub(super) notes: [&'static str; 3],
    /// Whether a character is of its script, as far as that tells it from the others here.
    pub(super) script: fn(char) -> bool,
}

/// All of them.
pub(super) const LANGUAGES: [Language; 7] = [
    Language {
        code: "km",
        name: "Khmer",
        places: ["ព្រះសីហនុ", "បន្ទាយមានជ័យ", "កំពត"],
        contact: ["សរសេរតែពេលព្រឹក", "កុំហៅទូរសព្ទ សូមផ្ញើសារ"],
        notes: ["ចង់ត្រឡប់ទៅផ្ទះ", "នៅមានមិត្តពីរនាក់នៅទីនោះ", "មិនបានប្រាក់ខែបីខែ"],
        script: |c| ('\u{1780}'..='\u{17ff}').contains(&c),
    },
    Language {
        code: "lo",
        name: "Lao",
        places: ["ບໍ່ແກ້ວ", "ສະຫວັນນະເຂດ", "ຈຳປາສັກ"],
        contact: ["ໂທຕອນເຊົ້າເທົ່ານັ້ນ", "ຢ່າຝາກຂໍ້ຄວາມ"],
        notes: ["ຢາກກັບບ້ານ", "ເຮັດວຽກທຸກມື້ບໍ່ມີມື້ພັກ", "ນາຍຈ້າງເກັບໜັງສືຜ່ານແດນ"],
        script: |c| ('\u{0e80}'..='\u{0eff}').contains(&c),
    },
    Language {
        code: "my",
        name: "Burmese",
        places: ["မြဝတီ", "ကရင်ပြည်နယ်", "ရှမ်းပြည်နယ်"],
        contact: ["မနက်ပိုင်းမှာပဲ ဆက်သွယ်ပါ", "ဖုန်းမခေါ်ပါနဲ့"],
        notes: ["အိမ်ပြန်ချင်တယ်", "လစာ သုံးလ မရသေးဘူး", "အခန်းထဲမှာ သော့ခတ်ထားတယ်"],
        script: |c| ('\u{1000}'..='\u{109f}').contains(&c),
    },
    Language {
        code: "th",
        name: "Thai",
        places: ["ตาก", "เชียงราย", "สระแก้ว"],
        contact: ["ติดต่อได้เฉพาะตอนเช้า", "ห้ามโทร ให้ส่งข้อความ"],
        notes: ["อยากกลับบ้าน", "นายจ้างเก็บหนังสือเดินทางไว้", "ยังมีเพื่อนอยู่ที่นั่น"],
        script: |c| ('\u{0e00}'..='\u{0e7f}').contains(&c),
    },
    Language {
        code: "vi",
        name: "Vietnamese",
        places: ["Tây Ninh", "An Giang", "Nghệ An"],
        contact: ["Chỉ nhắn tin buổi sáng", "Đừng gọi điện, có người nghe"],
        notes: [
            "Muốn về nhà",
            "Ba tháng chưa được trả lương",
            "Bị giữ giấy tờ và điện thoại",
        ],
        script: |c| "ăâđêôơưĂÂĐÊÔƠƯ".contains(c) || ('\u{1ea0}'..='\u{1ef9}').contains(&c),
    },
    Language {
        code: "zh",
        name: "Chinese",
        places: ["云南", "广西", "西双版纳"],
        contact: ["只在早上联系", "不要打电话，请发消息"],
        notes: ["想回家", "三个月没有工资", "护照被老板拿走了"],
        script: |c| ('\u{4e00}'..='\u{9fff}').contains(&c),
    },
    Language {
        code: "en",
        name: "English",
        places: ["Tak", "Bokeo", "Sihanoukville"],
        contact: [
            "Mornings only",
            "Messages, never calls; says \"library\" when it is safe",
        ],
        notes: [
            "Wants to go home",
            "=three months without pay, \"fines\" every week",
            "NA",
        ],
        script: |c| c.is_ascii_alphabetic(),
    },
];

/// The language with this code; English for any other.
pub(super) fn language(code: &str) -> &'static Language {
    let found = LANGUAGES.iter().find(|l| l.code == code);
    let [.., english] = &LANGUAGES;
    found.unwrap_or(english)
}
