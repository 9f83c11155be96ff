"""What stands in each section of an evaluation document: facts in, labels and sentences out; the layout is Typst's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifications.documents import words
from rules.pack.explanations import explain
from rules.terms import (
    ActingKind,
    AppraisalState,
    Aspect,
    BehaviorValue,
    EmploymentKind,
    ItemKind,
    Locale,
    ObjectionOutcome,
    ObjectionState,
    ReceiptKind,
    StatementOutcome,
)

Facts = Mapping[str, Any]
Pairs = list[list[str]]
NOTHING = "–"


def view_of(facts: Facts) -> dict[str, Any]:
    """Everything the page says, as JSON; nothing is left blank, for a blank box may have been overlooked."""
    zone, result = facts["zone"], facts["result"]
    first, last = facts["period"]
    return {
        "no": facts["no"], "version": str(facts["version"]), "agency": facts["agency"], "year": str(facts["year"]),
        "mark": "" if facts["final"] else "DRAF",
        "period": words.span(first, last), "dated": words.on(facts["dated"], zone), "notes": _notes(facts),
        "people": [
            {"title": "Pegawai yang Dinilai", "rows": _person(facts["employee"])},
            {"title": "Pejabat Penilai Kinerja", "rows": _person(facts["rater"])},
            {"title": "Atasan Pejabat Penilai Kinerja", "rows": _person(facts["authority"])},
        ],
        "organisation": _organisation(facts), "plan": _plan(facts), "behavior": _behavior(facts),
        "ratings": _ratings(facts), "predicate": _label(facts, "predicates", result["predicate"]) if result else "",
        "no_result": _no_result(facts), "reasons": explain(result["why"], Locale.ID) if result else [],
        "basis": "; ".join(facts["pack"]["legal_basis"]), "pack": _pack(facts),
        "boxes": [
            {"title": "Rekomendasi", "texts": _recommendation(facts)},
            {"title": "Keberatan", "texts": _objection(facts)},
            {"title": "Penjelasan Pejabat Penilai Kinerja", "texts": _explanation(facts)},
            {"title": "Keputusan Atasan Pejabat Penilai Kinerja", "texts": _decision(facts)},
        ],
        "signatures": _signatures(facts),
    }  # fmt: skip


def _label(facts: Facts, kind: str, code: str | None) -> str:
    return facts["labels"].get(kind, {}).get(code, code) if code else NOTHING


def _person(person: Facts | None) -> Pairs:
    if person is None:
        return [["Nama", "Belum ditunjuk"], ["NIP", NOTHING], ["Jabatan", NOTHING], ["Unit kerja", NOTHING]]
    rows = [["Nama", person["name"]], ["NIP", person["nip"]], ["Jabatan", person["post"] or NOTHING],
            ["Unit kerja", person["unit"] or NOTHING]]  # fmt: skip
    if person.get("employment"):
        rows.append(["Kepegawaian", words.EMPLOYMENT[EmploymentKind(person["employment"])]])
    if mandate := person.get("mandate"):
        kind = words.ACTING[ActingKind(mandate["kind"])]
        rows.append(["Bertindak sebagai", f"{kind} {mandate['post']}, {mandate['decree_no']}".rstrip(", ")])
    return rows


def _notes(facts: Facts) -> list[str]:
    zone, notes = facts["zone"], []
    if not facts["final"]:
        notes.append(f"DRAF: keadaan per {words.at(facts['dated'], zone)}; hasil belum ditetapkan sebagai hasil akhir.")
    if old := facts["replaces"]:
        cause = {"objection": "keputusan atas keberatan", "audit": "keputusan atas rekomendasi audit"}[old["cause"]]
        notes.append(
            f"Dokumen ini menggantikan dokumen nomor {facts['no']} versi {old['version']} tanggal "
            f"{words.on(old['issued_at'], zone)}, berdasarkan {cause}."
        )
    if len(facts["segments"]) > 1:
        notes += [f"{words.span(s['from'], s['to'])}: {s['post']}, {s['unit']}; penilai {s['rater'] or NOTHING}."
                  for s in facts["segments"]]  # fmt: skip
    return notes


def _organisation(facts: Facts) -> Pairs:
    if (unit := facts["organisation"]) is None:
        return []
    rows = [
        ["Predikat kinerja organisasi", _label(facts, "organisation", unit["predicate"])],
        ["Pertimbangan", unit["reason"] or NOTHING],
        ["Ditetapkan oleh", f"{unit['by']}, {words.on(unit['at'], facts['zone'])}"],
    ]
    pattern = words.PATTERNS.get(unit["pattern"])
    return rows + ([["Pola distribusi", pattern]] if pattern else [])


def _plan(facts: Facts) -> dict[str, Any] | None:
    if (plan := facts["plan"]) is None:
        return None
    label = f"Ditetapkan {words.on(plan['established_at'], facts['zone'])}." if plan["established_at"] else ""
    if plan["is_default"]:
        label += " SKP baku: ditetapkan oleh Pengelola Kinerja karena sampai batas waktu belum ada SKP yang ditetapkan."
    items = [
        {"kind": words.ITEMS[ItemKind(item["kind"])], "title": item["title"],
         "more": [text for text in (
             f"Penugasan dari: {item['assigned_by']}" if item["assigned_by"] else "",
             f"{words.SUPPORTED}: {item['supports']}" if item["supports"] else "") if text],
         "indicators": [_indicator(i) for i in item["indicators"]]}
        for item in plan["items"]
    ]  # fmt: skip
    return {"label": label.strip(), "items": items}


def _indicator(one: Facts) -> dict[str, str]:
    unit = f" {one['unit']}".rstrip()
    return {
        "aspect": words.ASPECTS[Aspect(one["aspect"])], "text": one["text"],
        "target": words.number(one["target"]) + unit,
        "actual": words.number(one["actual"]) + unit if one["actual"] is not None else "Tidak dilaporkan",
        "evidence": one["evidence"] or NOTHING,
    }  # fmt: skip


def _behavior(facts: Facts) -> dict[str, Any] | None:
    rating = facts["rating"]
    if rating is None:
        return None
    if rating["values"]:
        rows = [
            [words.VALUES[value], _label(facts, "ratings", note["seen"]), note["text"] or NOTHING]
            for value in BehaviorValue
            if (note := rating["values"].get(value.value))
        ]
        return {"head": ["Nilai dasar ASN BerAKHLAK", "Penilaian", "Catatan"], "rows": rows}
    if rating["scores"]:
        rows = [[_label(facts, "aspects", key), words.number(value)] for key, value in rating["scores"].items()]
        return {"head": ["Aspek perilaku kerja", "Nilai"], "rows": rows}
    return None


def _ratings(facts: Facts) -> Pairs:
    rating, result = facts["rating"], facts["result"]
    if rating is None or result is None:
        return []
    rows = []
    if rating["result"]:
        rows.append(["Hasil kerja", _label(facts, "ratings", rating["result"])])
    if rating["behavior"]:
        rows.append(["Perilaku kerja", _label(facts, "ratings", rating["behavior"])])
    if rating["innovation"]:
        rows.append(["Ide baru atau cara baru", rating["innovation"]])
        rows.append(["Bukti ide atau cara baru", rating["innovation_evidence"] or NOTHING])
    if result["score"] is not None:
        rows.append(["Nilai akhir", words.number(result["score"])])
    return [*rows, ["Umpan balik", rating["feedback"] or NOTHING]]


def _no_result(facts: Facts) -> Pairs:
    if (without := facts["no_result"]) is None:
        return []
    return [["Keadaan", words.STATES[AppraisalState(without["state"])]],
            ["Penjelasan", words.explanation(without["explanation"]) or NOTHING],
            ["Dicatat", words.at(without["at"], facts["zone"])]]  # fmt: skip


def _pack(facts: Facts) -> str:
    pack = facts["pack"]
    return f"{pack['title']} – paket kebijakan {pack['name']} versi {pack['version']}, sha256 {pack['sha256'][:16]}"


def _recommendation(facts: Facts) -> list[str]:
    return [facts["recommendation"] or "Tidak ada rekomendasi dari Pejabat Penilai Kinerja."]


def _objection(facts: Facts) -> list[str]:
    objection, result, zone = facts["objection"], facts["result"], facts["zone"]
    if objection is None and result is None:
        return ["Tidak ada hasil evaluasi yang dapat diajukan keberatan."]
    if objection is None:
        until = result["objection_until"]
        if until is None:
            return ["Belum diajukan; tenggang waktu keberatan berjalan sejak hasil diterima pegawai."]
        return [f"Pegawai tidak mengajukan keberatan; tenggang waktu keberatan berakhir {words.at(until, zone)}."
                if facts["final"] or datetime.fromisoformat(until) < datetime.fromisoformat(facts["dated"])
                else f"Belum diajukan; dapat diajukan sampai {words.at(until, zone)}."]  # fmt: skip
    texts = [f"Diajukan {words.at(objection['filed_at'], zone)}.", objection["reasons"]]
    if own := objection["statements"].get("employee"):
        texts.append("Keterangan pegawai: " + (own["text"] or words.STATEMENTS[StatementOutcome(own["outcome"])]))
    return texts


def _explanation(facts: Facts) -> list[str]:
    objection = facts["objection"]
    if objection is None:
        return ["Tidak diperlukan: tidak ada keberatan."]
    if (told := objection["statements"].get("rater")) is None:
        if objection["state"] == ObjectionState.WITHDRAWN:
            return ["Tidak diperlukan: keberatan ditarik kembali."]
        return [f"Belum diberikan; ditunggu sampai {words.at(objection['statements_until'], facts['zone'])}."]
    said = words.STATEMENTS[StatementOutcome(told["outcome"])]
    return [said or f"Disampaikan {words.at(told['at'], facts['zone'])}.", *filter(None, [told["text"]])]


def _decision(facts: Facts) -> list[str]:
    objection, zone = facts["objection"], facts["zone"]
    if objection is None:
        return ["Tidak diperlukan: tidak ada keberatan."]
    if objection["outcome"] is None:
        state = words.OBJECTIONS[ObjectionState(objection["state"])]
        if objection["state"] == ObjectionState.WITHDRAWN:
            return [f"{state}; hasil evaluasi tetap."]
        return [f"{state}; diputus paling lambat {words.at(objection['decide_until'], zone)}."]
    outcome = words.OUTCOMES[ObjectionOutcome(objection["outcome"])]
    return [f"{outcome}. Diputus {words.at(objection['decided_at'], zone)}; keputusan ini bersifat final.",
            objection["decision_reasons"]]  # fmt: skip


def _signatures(facts: Facts) -> list[dict[str, str]]:
    """Whoever signed, and how; the rater's superior signs only after an objection."""
    zone, result, objection = facts["zone"], facts["result"], facts["objection"]
    if result is None:
        return []
    receipt = "Penerimaan tidak tercatat" if facts["final"] else "Belum diterima"
    if result["received_at"]:
        how = words.RECEIPTS[ReceiptKind(result["receipt_kind"])]
        receipt = f"Diterima {words.at(result['received_at'], zone)} ({how}); menerima tidak berarti menyetujui"
    rated = f"Ditetapkan secara elektronik {words.at(facts['rating']['rated_at'], zone)}"
    signed = [_signature("Pegawai yang Dinilai", facts["employee"], receipt),
              _signature("Pejabat Penilai Kinerja", facts["rater"], rated)]  # fmt: skip
    if objection and objection["decided_at"]:
        decided = f"Diputus secara elektronik {words.at(objection['decided_at'], zone)}"
        signed.append(_signature("Atasan Pejabat Penilai Kinerja", facts["authority"], decided))
    return signed


def _signature(role: str, person: Facts | None, text: str) -> dict[str, str]:
    return {"role": role, "text": text, "name": person["name"] if person else NOTHING,
            "nip": f"NIP {person['nip']}" if person and person["nip"] else ""}  # fmt: skip
