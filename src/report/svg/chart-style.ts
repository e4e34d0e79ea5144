// Bundled from src/report/client/chart.css; `npm run client:sync` writes it anew.
export const chartStyle: string =
  ".chart{font:12px system-ui,sans-serif;color:#222;fill:currentColor}.chart text{unicode-bidi:plaintext}.chart .name{font-weight:600}.chart .ticks{fill-opacity:.85}@media(prefers-color-scheme:dark){.chart{color:#e4e6ea}.chart .ground{fill:#14171c}.chart .halo{stroke:#14171c}.chart .s0{color:#4aa8e0}.chart .s1{color:#f07f2e}.chart .s2{color:#1fbf92}.chart .s3{color:#dd93bd}.chart .s4{color:#e69f00}.chart .s5{color:#8fd0f5}.chart .s6{color:#e6e6e6}.chart .s7{color:#f0e442}}";
