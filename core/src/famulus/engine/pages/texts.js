// The script's texts in the language of the page, which the server has put before it as "texts".
// A part of another direction, such as a file's name, is isolated.
function filled(text, values) {
  const isRightToLeft = texts.language.dir === "rtl";
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    if (!(name in values)) return whole;
    return isRightToLeft ? "\u2068" + values[name] + "\u2069" : values[name];
  });
}

function pluralFilled(forms, count) {
  const category = new Intl.PluralRules(texts.language.lang).select(count);
  return filled(forms[category], { count });
}
