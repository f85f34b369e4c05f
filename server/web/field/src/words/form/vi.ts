// Tiếng Việt, the form's controls. A draft: nobody who speaks the language has checked it.
import type { FormTexts } from "./index.ts";

export const vi: FormTexts = {
  next: "Tiếp", back: "Quay lại", finish: "Kết thúc phỏng vấn", contents: "Mọi trang", page_of: "Trang {page} / {pages}", last_page: "Trang cuối",
  language: "Ngôn ngữ", saved: "Đã lưu trên điện thoại này", saving: "Đang lưu…", unsaved: "Chưa lưu",
  save_failed: "Không lưu được. Câu trả lời vẫn còn ở đây; đang thử lại.",
  waiting_consent: "Không giữ gì trước khi người ấy đồng ý.",
  dropped_title: "Không giữ gì", dropped_text: "Người ấy không đồng ý. Không câu trả lời nào được lưu. Vẫn hãy đề nghị giúp đỡ.",
  refusal_title: "Người ấy không đồng ý?", refusal_text: "Mọi điều đã viết sẽ bị bỏ khỏi điện thoại ngay. Chỉ đếm số lần từ chối.", refusal_yes: "Đúng, bỏ hết", refusal_no: "Không, quay lại",
  required: "cần", error_required: "Hãy trả lời câu này.", error_constraint: "Câu trả lời này không hợp.", errors_here: "{count} câu trả lời ở trang này cần xem lại.", errors_here_one: "Một câu trả lời ở trang này cần xem lại.", next_anyway: "Tiếp mà không có các câu này",
  problem_number: "Hãy viết một số.", problem_whole: "Hãy viết một số nguyên.", problem_comma: "Hãy viết số không có dấu phẩy, dùng dấu chấm trước phần lẻ.", problem_date: "Hãy viết ngày, ví dụ 31/3/2026.", problem_time: "Hãy thêm giờ.", problem_geo: "Đây không phải vị trí.", problem_long: "Chữ quá dài.", problem_code: "Lựa chọn này không có.",
  date_hint: "Ngày/tháng/năm", month_hint: "Tháng/năm", year_hint: "Năm", date_is: "{date}", date_buddhist: "Phật lịch {year} là {date}.", calendar: "Lịch", time_label: "Giờ", date_label: "Ngày",
  clear: "Xóa câu trả lời", search: "Tìm", search_none: "Không tìm thấy gì.", search_more: "Còn {count}. Hãy gõ vài chữ để tìm.", choose: "Chọn…", remove_choice: "Bỏ {what}", change: "Đổi", more_guidance: "Thêm về câu hỏi này",
  listen: "Nghe", stop: "Dừng", picture_missing: "Thiếu hình",
  rank_up: "{what}: lên một bậc", rank_down: "{what}: xuống một bậc", rank_ok: "Thứ tự này đúng", rank_open: "Chưa xếp thứ tự", rank_now: "{what} nay ở số {place}",
  acknowledge: "Vâng, xong", range_open: "Chưa trả lời", range_less: "Ít hơn", range_more: "Nhiều hơn",
  position_take: "Lấy vị trí bây giờ", position_wait: "Đang tìm vị trí…", position_failed: "Không tìm được vị trí. Hãy thử lại ngoài trời.", position_at: "{lat}, {lon} (trong {metres} m)", position_point: "Thêm điểm ở đây", position_points: "{count} điểm", position_undo: "Bỏ điểm cuối",
  image_add: "Chụp hoặc chọn ảnh", audio_add: "Ghi hoặc chọn âm thanh", video_add: "Quay hoặc chọn video", file_add: "Chọn tệp", file_adding: "Đang thêm…", file_failed: "Không thêm được tệp này.", file_remove: "Bỏ tệp", file_here: "Một tệp {size}", file_missing: "Tệp này chưa đến điện thoại này.",
  scan: "Quét", scan_stop: "Ngừng quét", scan_failed: "Không dùng được máy ảnh.",
  row_name: "{label} {number}", row_add: "Thêm: {label}", row_remove: "Bỏ {row}", row_remove_sure: "Bỏ {row} và mọi câu trả lời trong đó?", row_remove_yes: "Vâng, bỏ", row_remove_no: "Không, giữ lại", row_removed: "Đã bỏ {row}.", row_added: "Đã thêm {row}.", rows_none: "Chưa có.", row_contested: "Có người bỏ hàng này mà chưa thấy hết những gì trong đó.", group_fallback: "Phần",
  conflict_title: "Được trả lời khác nhau", conflict_by: "{who}, {when}", conflict_you: "Bạn, {when}", conflict_unknown: "Ai đó, {when}", conflict_take: "Hãy chạm vào câu đúng.", conflict_together: "Gộp cả hai: {what}", conflict_leave: "Để cả hai cho điều phối viên", conflict_left: "Cả hai câu trả lời được để cho điều phối viên.", conflict_show: "Xem lại",
  nothing: "không có câu trả lời", yes: "có", no: "không", unreadable: "câu trả lời mà phiên bản này không hiện được", not_offered: "Đã ghi: {what}. Mẫu này hiện không có lựa chọn đó.",
  needs_decision: "Chỉ điều phối viên rút lại được điều này. Câu trả lời trước vẫn còn.", not_allowed: "Bạn không được đổi điều này. Câu trả lời trước vẫn còn.", zawgyi: "Có vẻ được viết bằng Zawgyi. Hãy xem lại chữ; không có gì bị đổi.",
  end_title: "Gần xong", end_ok: "Mọi câu cần thiết đã được trả lời.", end_open: "Các câu này còn cần trả lời:", end_conflicts: "Các câu này được trả lời khác nhau:", changed_meanwhile: "{count} câu trả lời đã được người khác đổi trong lúc đó.",
};
