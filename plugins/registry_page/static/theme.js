// Airflow keeps its colour mode under this key; the page follows it, also while it changes, and the system otherwise.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("theme");
    } catch {
      chosen = null; // storage may be closed to us: the system decides
    }
    const isDark = chosen === "dark" || (chosen !== "light" && system.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  follow();
  addEventListener("storage", follow);
  system.addEventListener("change", follow);
})();
