// Every page works without this; it adds live updates, drag and drop, relative times and copy buttons.
import { watchTimes } from "./times.js";
import { watchLive } from "./live.js";
import { watchUpload } from "./upload.js";
import { offerCopy } from "./copy.js";

watchTimes();
watchLive();
watchUpload();
offerCopy();
