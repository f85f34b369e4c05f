document.title="Notes";
