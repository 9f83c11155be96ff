// Keeps what was typed when the page is left by a way that sends no form (Back, a closed tab). Pages work without it.
(() => {
  const form = document.getElementById("act");
  if (!form) return;
  let typed = false, sent = false, timer = 0;
  const keep = () => {
    if (!typed || sent) return;
    typed = false;
    const body = new URLSearchParams(new FormData(form));
    fetch(form.dataset.draft, {method: "POST", body, keepalive: true, headers: {Accept: "*/*"}}).then((answer) => {
      form.elements.draft_at.value = answer.headers.get("Draft-At") || form.elements.draft_at.value;
    }, () => { typed = true; });
  };
  document.addEventListener("input", (event) => {
    if (event.target.form !== form) return;
    typed = true;
    clearTimeout(timer);
    timer = setTimeout(keep, 10000);
  });
  form.addEventListener("submit", () => { sent = true; });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") keep(); });
})();
