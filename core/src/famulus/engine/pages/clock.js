// Shows the time left, and announces it to screen readers at five minutes and at one.
function startClock(shown, notice) {
  const announceAt = [300, 60];
  const total = Number(shown.getAttribute("data-seconds"));
  const end = Date.now() + total * 1000;
  let before = total;

  function timeText(seconds) {
    if (seconds <= 60) return filled(texts.secondsLeft, { count: Math.ceil(seconds) });
    const minutes = Math.ceil(seconds / 60);
    if (minutes <= 120) return filled(texts.minutesLeft, { count: minutes });
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? filled(texts.hoursLeft, { hours, minutes: minutes % 60 })
      : pluralFilled(texts.daysLeft, Math.floor(hours / 24));
  }

  function tick() {
    const left = (end - Date.now()) / 1000;
    if (left <= 0) {
      clearInterval(timer);
      shown.classList.add("famulus-time-over");
      shown.textContent = notice.textContent = texts.timeOver;
      return;
    }
    const text = timeText(left);
    if (shown.textContent !== text) shown.textContent = text;
    for (const mark of announceAt) {
      if (before > mark && left <= mark) {
        notice.textContent = filled(texts.minutesLeft, { count: mark / 60 });
      }
    }
    before = left;
  }

  const timer = setInterval(tick, 1000);
  tick();
  return { stop: () => clearInterval(timer) };
}
