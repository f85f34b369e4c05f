// A form of four questions, for tests that are not about forms.
const bind = (name, type, more = "") => `<bind nodeset="/data/${name}" type="${type}"${more}/>`;
const text = (label) => `<value>${label}</value>`;

export const SMALL = `<?xml version="1.0"?>
<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml" xmlns:jr="http://openrosa.org/javarosa">
<h:head><h:title>Small</h:title><model>
<itext>
<translation lang="English (en)" default="true()"><text id="place">${text("Where?")}</text><text id="told">${text("What was told?")}</text><text id="many">${text("How many?")}</text></translation>
<translation lang="Khmer (km)"><text id="place">${text("នៅទីណា?")}</text><text id="told">${text("បានប្រាប់អ្វី?")}</text><text id="many">${text("ប៉ុន្មាន?")}</text></translation>
</itext>
<instance><data id="small" version="1"><place/><told/><many/><meta><instanceID/></meta></data></instance>
${bind("place", "string")}${bind("told", "string")}${bind("many", "int")}${bind("meta/instanceID", "string", ' readonly="true()" jr:preload="uid"')}
</model></h:head>
<h:body>
<input ref="/data/place"><label ref="jr:itext('place')"/></input>
<input ref="/data/told"><label ref="jr:itext('told')"/></input>
<input ref="/data/many"><label ref="jr:itext('many')"/></input>
</h:body></h:html>`;
