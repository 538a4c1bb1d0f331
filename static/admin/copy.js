// Copy a text by a button. Without this script the button stays hidden, and the text can be selected.

for (const button of document.querySelectorAll("button[data-copy]")) {
  const words = button.querySelector("span");
  const before = words.textContent;
  const status = document.createElement("span");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  button.after(status);
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    // A field holds a value; any other element holds a text.
    const isField = text.value !== undefined;
    if (isField) text.select();
    else getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(isField ? text.value : text.textContent);
    } catch {
      // Over plain HTTP there is no clipboard, only the old way.
      document.execCommand("copy");
    }
    words.textContent = status.textContent = button.dataset.copied;
    setTimeout(() => {
      words.textContent = before;
      status.textContent = "";
    }, 2000);
  });
}
