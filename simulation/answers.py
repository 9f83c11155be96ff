"""What an invented person puts into a form: plain data in the shape of the act's form."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from rules.terms import ActKind, BehaviorValue


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form tells a person who fills it in."""

    kind: ActKind
    indicators: Sequence[tuple[int, Decimal]] = ()
    """(id, target) of the plan's indicators."""
    suggestions: Sequence[Mapping[str, Any]] = ()
    proposal: bool = False
    numeric: bool = False
    aspects: Sequence[str] = ()
    measured: bool = True
    best: bool = False
    """The result is the best there is already: a decision cannot raise it."""


@dataclass(slots=True)
class Mind:
    """Leanings of one person; `rng` makes a simulated year repeatable."""

    rng: Random
    generous: float = 0.5
    """How a rater leans, 0 strict to 1 generous."""
    objects: bool = False
    moods: list[str] = field(default_factory=list)


Answer = dict[str, Any]

PLAN = (
    {
        "title": "Terlaksananya pelayanan sesuai standar", "kind": "main", "assigned_by": "",
        "indicators": [
            {"text": "Layanan yang selesai sesuai standar", "aspect": "quantity", "target": "120", "unit": "layanan"},
            {"text": "Lama penyelesaian satu layanan", "aspect": "time", "target": "3", "unit": "hari",
             "lower_is_better": True},
        ],
    },
)  # fmt: skip


def answer(asked: Asked, mind: Mind) -> Answer:
    """Fill in the form of an act; every answer has the content that only a person gives."""
    return _ANSWERS[asked.kind](asked, mind) | {"confirm": "yes"}


def _plan(asked: Asked, mind: Mind) -> Answer:
    chosen = asked.suggestions or PLAN
    keys = ("text", "aspect", "target", "unit", "lower_is_better", "target_is_maximum")
    items = [
        {
            "title": item["title"], "kind": item.get("kind", "main"), "assigned_by": item.get("assigned_by", ""),
            "indicators": [{k: one[k] for k in keys if k in one} for one in item["indicators"]],
        }
        for item in chosen
    ]  # fmt: skip
    return {"items": items}


def _establish(asked: Asked, mind: Mind) -> Answer:
    if mind.rng.random() < 0.08:
        return {"decision": "return", "reason": "Mohon target kuantitas disesuaikan dengan perjanjian kinerja unit."}
    return {"decision": "establish", "reason": ""}


def _reached(target: Decimal, share: float, mind: Mind) -> str:
    """About so much of the target, to the hundredth."""
    factor = Decimal(str(round(share * mind.rng.uniform(0.85, 1.15), 3)))
    return str((target * factor).quantize(Decimal("0.01")))


def _actuals(asked: Asked, mind: Mind, share: float) -> list[dict[str, Any]]:
    return [
        {
            "indicator_id": number,
            "value": _reached(target, share, mind),
            "evidence": "Laporan bulanan dan daftar kegiatan, tersimpan di sekretariat",
        }
        for number, target in asked.indicators
    ]  # fmt: skip


def _report(asked: Asked, mind: Mind) -> Answer:
    found: Answer = {
        "actuals": _actuals(asked, mind, 0.5), "summary": "Kegiatan semester pertama berjalan sesuai rencana.",
        "change_reason": "",
    }  # fmt: skip
    if asked.indicators and mind.rng.random() < 0.15:
        found["actuals"][0]["new_target"] = str(asked.indicators[0][1] + 1)
        found["change_reason"] = "Beban layanan bertambah sejak penggabungan dua loket pelayanan."
    return found


def _feedback(asked: Asked, mind: Mind) -> Answer:
    changes = "none" if not asked.proposal else ("agree" if mind.rng.random() < 0.8 else "decline")
    return {"feedback": "Terima kasih, pertahankan ketepatan waktu pada semester kedua.", "changes": changes}


def _self(asked: Asked, mind: Mind) -> Answer:
    return {
        "actuals": _actuals(asked, mind, 1.0), "result_rating": mind.rng.choice(["above", "meets", "meets"]),
        "behavior_rating": mind.rng.choice(["above", "meets"]),
        "text": "Target tahun ini tercapai, dengan dukungan rekan satu unit.",
    }  # fmt: skip


def _rating(mind: Mind) -> str:
    roll = mind.rng.random() + (mind.generous - 0.5) * 0.4
    return "above" if roll > 0.72 else "meets" if roll > 0.1 else "below"


def _judgement(asked: Asked, mind: Mind) -> Answer:
    if asked.numeric:
        scores = [{"aspect": key, "score": str(mind.rng.randint(78, 112))} for key in asked.aspects]
        return {"aspects": scores} | ({} if asked.measured else {"skp_score": str(mind.rng.randint(75, 110))})
    seen = "Terlihat pada pelayanan sehari-hari dan catatan dialog kinerja."
    return {
        "result_rating": _rating(mind), "behavior_rating": _rating(mind),
        "notes": [{"value": value.value, "seen": _rating(mind), "text": seen} for value in BehaviorValue],
    }  # fmt: skip


def _score(asked: Asked, mind: Mind) -> Answer:
    words = {"feedback": "Hasil kerja baik; tahun depan perbanyak pendampingan kepada rekan baru.",
             "recommendation": "Pelatihan pelayanan publik"}  # fmt: skip
    return _judgement(asked, mind) | words


def _predicate(asked: Asked, mind: Mind) -> Answer:
    choice = mind.rng.choices(["good", "exceptional", "needs_improvement"], [8, 1, 1])[0]
    return {"predicate": choice, "reason": "Sesuai capaian perjanjian kinerja unit tahun ini."}


def _override(asked: Asked, mind: Mind) -> Answer:
    return {"reason": "Capaian unit didukung bukti; penilaian atasan langsung dipertahankan."}


def _object(asked: Asked, mind: Mind) -> Answer:
    return {"reasons": "Realisasi pada dua indikator belum memperhitungkan pekerjaan tambahan bulan November."}


def _explain(asked: Asked, mind: Mind) -> Answer:
    roll = mind.rng.random()
    if roll < 0.1:
        return {"answer": "refused", "text": ""}
    return {"answer": "given", "text": "Penjelasan saya tertuang dalam catatan dialog kinerja dan bukti dukung."}


def _decide(asked: Asked, mind: Mind) -> Answer:
    reasons = "Setelah mendengar kedua pihak dan memeriksa bukti dukung, keputusan diambil sebagai berikut."
    if mind.rng.random() < 0.5 or asked.best:
        return {"decision": "keep", "reasons": reasons}
    raised = _judgement(asked, mind)
    if not asked.numeric:
        raised |= {"result_rating": "above", "behavior_rating": "above"}
    else:
        raised |= {"skp_score": "112"}
    return raised | {"decision": "change", "reasons": reasons}


def _account(asked: Asked, mind: Mind) -> Answer:
    return {
        "ground": "rater_silent",
        "explanation": "Pejabat Penilai Kinerja tidak menilai sampai batas waktu; telah dilaporkan kepada PPK.",
    }


def _examine(asked: Asked, mind: Mind) -> Answer:
    """A careful reader: evidence is nearly always there, and the judgement is the reader's own."""
    found = _judgement(asked, mind)
    found.pop("notes", None)
    found.pop("aspects", None)
    return found | {
        "no_conflict": "yes", "evidence_ok": "no" if mind.rng.random() < 0.04 else "yes", "procedure_ok": "yes",
        "text": "Bukti dukung diperiksa satu per satu terhadap target dan realisasi.",
    }  # fmt: skip


def _reply(asked: Asked, mind: Mind) -> Answer:
    return {"reply": "Bukti dukung yang diminta kami lampirkan kembali beserta notulen dialog kinerja."}


def _conclude(asked: Asked, mind: Mind) -> Answer:
    if mind.rng.random() < 0.5:
        return {"conclusion": "withdrawn", "text": "Jawaban Pejabat Penilai Kinerja memadai.", "recommendation": ""}
    return {"conclusion": "confirmed", "text": "Bukti tidak dapat ditunjukkan.",
            "recommendation": "Lengkapi berkas bukti dan tinjau kembali hasilnya.", "review_result": "no"}  # fmt: skip


def _follow(asked: Asked, mind: Mind) -> Answer:
    return {"outcome": "declined", "reasons": "Berkas telah dilengkapi; hasil penilaian tetap.", "hearing": ""}


_ANSWERS: Mapping[ActKind, Callable[[Asked, Mind], Answer]] = {
    ActKind.DRAFT_TARGETS: _plan, ActKind.ESTABLISH_TARGETS: _establish, ActKind.REPORT_PROGRESS: _report,
    ActKind.GIVE_FEEDBACK: _feedback, ActKind.SELF_ASSESS: _self, ActKind.SCORE: _score,
    ActKind.SET_UNIT_PREDICATE: _predicate, ActKind.OVERRIDE_DISTRIBUTION: _override,
    ActKind.ACKNOWLEDGE: lambda _a, _m: {}, ActKind.OBJECT: _object, ActKind.EXPLAIN: _explain,
    ActKind.DECIDE_OBJECTION: _decide, ActKind.ACCOUNT_FOR: _account, ActKind.EXAMINE: _examine,
    ActKind.REPLY_TO_FINDING: _reply, ActKind.CONCLUDE_FINDING: _conclude, ActKind.DECIDE_RECOMMENDATION: _follow,
}  # fmt: skip
