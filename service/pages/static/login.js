// A link from another site comes without the session; from here on it goes along.

const wanted = document.querySelector("[name=next]").value;
if (!document.getElementById("wrong")) {
  const answer = await fetch("/v1/attacks", { headers: { Accept: "application/json" } });
  if (answer.ok) location.replace(wanted);
}
