import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import { App } from "./app";
import "./style.css";
import { theme } from "./ui/theme";
import { tips } from "./ui/tips";

theme();
tips();
render(<App />, document.getElementById("app")!);
