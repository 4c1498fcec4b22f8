// The address that customers embed, /viewer.js. It names every module, so that the browser fetches
// them at once instead of finding one behind the other.
import "./viewer/template.js";
import "./viewer/text.js";
import "./viewer/query.js";
import "./viewer/time.js";
import "./viewer/api.js";
import "./viewer/url.js";
import "./viewer/values.js";
import "./viewer/diff.js";
import "./viewer/columns.js";
import "./viewer/table.js";
import "./viewer/controls.js";
import "./viewer/search.js";
import "./viewer/explore.js";
import "./viewer/detail.js";
import "./viewer/dialogs.js";
import "./viewer/copy.js";
import "./viewer/keys.js";
import "./viewer/export.js";
import "./viewer/states.js";
import "./viewer/model.js";
export { AuditLog } from "./viewer/element.js";
