// Shows the time left, and announces it to screen readers at five minutes and at one.
function startClock(shown, notice) {
  const announceAt = [300, 60];
  const total = Number(shown.getAttribute("data-seconds"));
  const end = Date.now() + total * 1000;
  let before = total;

  function timeText(seconds) {
    if (seconds <= 60) return Math.ceil(seconds) + " s left";
    const minutes = Math.ceil(seconds / 60);
    if (minutes <= 120) return minutes + " min left";
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? hours + " h " + (minutes % 60) + " min left"
      : Math.floor(hours / 24) + " days left";
  }

  function tick() {
    const left = (end - Date.now()) / 1000;
    if (left <= 0) {
      clearInterval(timer);
      shown.classList.add("famulus-time-over");
      shown.textContent = notice.textContent =
        "The time for this one is over; you may still submit, it will be marked late.";
      return;
    }
    const text = timeText(left);
    if (shown.textContent !== text) shown.textContent = text;
    for (const mark of announceAt) {
      if (before > mark && left <= mark) notice.textContent = mark / 60 + " min left";
    }
    before = left;
  }

  const timer = setInterval(tick, 1000);
  tick();
  return { stop: () => clearInterval(timer) };
}
