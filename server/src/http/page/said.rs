//! What the next page says first: that something was done, or why a sign-in stands there. A code in a cookie that the
//! page takes away again, so that no address says what was done.

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::header;

use super::visit::cookie;

/// The cookie.
const SAID: &str = "__Host-tributary-said";

/// Something to say once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    SignInEnded,
    Settled,
    Approved,
    Rejected,
    Returned,
    Commented,
    Assigned,
    Deleted,
    Restored,
    Restricted,
    Unrestricted,
    Released,
    Discarded,
    ProposalCancelled,
}

impl Said {
    const ALL: [Self; 14] = [
        Self::SignInEnded,
        Self::Settled,
        Self::Approved,
        Self::Rejected,
        Self::Returned,
        Self::Commented,
        Self::Assigned,
        Self::Deleted,
        Self::Restored,
        Self::Restricted,
        Self::Unrestricted,
        Self::Released,
        Self::Discarded,
        Self::ProposalCancelled,
    ];
    fn code(self) -> String {
        format!("{self:?}").to_lowercase()
    }
    /// Reads the cookie's value.
    pub(super) fn read(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|said| said.code() == code)
    }
    /// In people's words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::SignInEnded => {
                "Your sign-in has ended: after twelve hours, or because it was ended elsewhere. If you sent something just now, it was not stored. Sign in and send it again."
            }
            Self::Settled => "Settled. Your name and your reason are kept with it.",
            Self::Approved => "Approved. That counts until somebody changes an answer.",
            Self::Rejected => "Rejected. Your reason is kept with it as a comment.",
            Self::Returned => {
                "Returned. It goes to the phone of whoever recorded it, with your comment, at the next sync."
            }
            Self::Commented => "Your comment is kept. Everybody who has the interview reads it.",
            Self::Assigned => "Assigned. It reaches their phones at the next sync.",
            Self::Deleted => {
                "Deleted: it is in no list and no download, and it can be restored. This is no erasure."
            }
            Self::Restored => "Restored.",
            Self::Restricted => {
                "Hidden at once from everybody but the admins. It is not erased yet: come back when the waiting time is over."
            }
            Self::Unrestricted => "Shown again.",
            Self::Released => "Let in. It counts from now on, with your name beside its author's.",
            Self::Discarded => "Thrown away for good.",
            Self::ProposalCancelled => "Taken back. Nothing was erased.",
        }
    }
}

/// On to a page, which says it first.
pub(super) fn see_said(address: &str, said: Said) -> HttpResponse {
    let mut response = HttpResponse::SeeOther()
        .insert_header((header::LOCATION, address))
        .finish();
    // Only a cookie that cannot be written fails, and ours are made here.
    let _ = response.add_cookie(&cookie(SAID, said.code()));
    response
}

/// What was left for this page.
pub(super) fn left(request: &actix_web::HttpRequest) -> Option<Said> {
    request.cookie(SAID).and_then(|c| Said::read(c.value()))
}

/// Takes it away, once it was shown.
pub(super) fn take_away() -> Cookie<'static> {
    let mut gone = cookie(SAID, String::new());
    gone.make_removal();
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_has_a_code_of_its_own() {
        for said in Said::ALL {
            assert_eq!(Said::read(&said.code()), Some(said));
            assert!(!said.words().is_empty());
        }
        assert_eq!(Said::read("nothing"), None);
    }
}
