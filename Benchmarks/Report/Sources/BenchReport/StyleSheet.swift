// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The page's looks: light and dark by the reader's preference, light on paper.
enum StyleSheet {
    static let text: StaticString = """

        :root {
          color-scheme: light dark;
          --paper: #fbfbf9; --card: #ffffff; --ink: #1c2127; --soft: #59636e; --rule: #dfe3e8; --even: #9aa3ad;
          --p0: #0072b2; --p1: #56b4e9; --p2: #009e73; --p3: #74c7a9; --p4: #5b4ea3; --p5: #a99bd8;
          --o0: #d55e00; --o1: #e69f00; --o2: #8c564b; --o3: #cc79a7; --o4: #6b6b6b; --o5: #b8a000;
          --k0: #c2410c; --k1: #f0a868; --k2: #4f7f9f; --k3: #8fb8a0; --k4: #9aa3ad; --k5: #c98bb0; --k6: #8d7cc3;
          --k7: #0072b2;
        }
        @media screen and (prefers-color-scheme: dark) {
          :root {
            --paper: #14171b; --card: #1c2026; --ink: #e8eaed; --soft: #a3adb8; --rule: #343b44; --even: #707a85;
            --p0: #3d9edb; --p1: #93d2f5; --p2: #22b98c; --p3: #a0e3c8; --p4: #8f80e6; --p5: #cbc0f5;
            --o0: #f07f33; --o1: #ffc04d; --o2: #c08a7a; --o3: #e8a3c9; --o4: #adadad; --o5: #d9c640;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; background: var(--paper); color: var(--ink);
          font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
        }
        main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
        header { padding-top: 40px; }
        footer { padding-bottom: 56px; }
        h1 { font-size: 2.1rem; line-height: 1.15; margin: 0 0 6px; letter-spacing: -0.02em; }
        h2 { font-size: 1.35rem; margin: 44px 0 4px; padding-top: 14px; border-top: 1px solid var(--rule); }
        h3 { font-size: 1.02rem; margin: 24px 0 6px; }
        p, ul { margin: 8px 0; max-width: 76ch; }
        ul { padding-left: 22px; }
        li { margin: 3px 0; }
        .soft, .note { color: var(--soft); }
        .note { font-size: 0.9rem; }
        .warning { border-left: 4px solid var(--o1); padding: 4px 14px; background: var(--card); }
        .lead { font-size: 1.12rem; }
        nav { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 14px 0 0; font-size: 0.93rem; }
        a { color: var(--p0); }
        .tiles {
          display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 20px 0;
        }
        .tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; }
        .tile .what { color: var(--soft); font-size: 0.88rem; }
        .tile .count { font-size: 1.7rem; font-weight: 650; line-height: 1.25; }
        .tile .count span { font-size: 0.95rem; font-weight: 400; color: var(--soft); }
        .tile .rest { font-size: 0.88rem; }
        .split { display: flex; height: 8px; border-radius: 4px; overflow: hidden; margin: 8px 0 6px; }
        .split span { display: block; min-width: 0; }
        .won { background: var(--p0); } .lost { background: var(--o0); } .tied { background: var(--even); }
        .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 14px; }
        figure {
          margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
          padding: 12px 16px 14px; break-inside: avoid;
        }
        figure.wide { max-width: 900px; margin: 14px 0; }
        figcaption { font-weight: 600; margin-bottom: 8px; }
        figure.wide { overflow-x: auto; }
        figure.wide svg.chart { min-width: 600px; }
        svg.chart { display: block; width: 100%; height: auto; }
        .cards svg.chart { max-width: 500px; }
        svg text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--ink);
          font-variant-numeric: tabular-nums; }
        svg text.best { font-weight: 700; }
        svg text.tick, svg text.faint { fill: var(--soft); font-size: 11.5px; }
        .axis { stroke: var(--soft); stroke-width: 1; }
        .grid { stroke: var(--rule); stroke-width: 1; }
        .whisker { stroke: var(--ink); stroke-width: 1.2; opacity: 0.75; }
        .fill { fill: var(--c); }
        .range { fill: var(--c); opacity: 0.35; }
        .stroke { stroke: var(--c); stroke-width: 2.2; fill: none; stroke-linejoin: round; }
        .thin { stroke-width: 1.3; opacity: 0.8; }
        .mark { fill: var(--c); stroke: var(--card); stroke-width: 1; }
        .even { --c: var(--even); }
        .p0 { --c: var(--p0); } .p1 { --c: var(--p1); } .p2 { --c: var(--p2); } .p3 { --c: var(--p3); }
        .p4 { --c: var(--p4); } .p5 { --c: var(--p5); }
        .o0 { --c: var(--o0); } .o1 { --c: var(--o1); } .o2 { --c: var(--o2); } .o3 { --c: var(--o3); }
        .o4 { --c: var(--o4); } .o5 { --c: var(--o5); }
        .k0 { --c: var(--k0); } .k1 { --c: var(--k1); } .k2 { --c: var(--k2); } .k3 { --c: var(--k3); }
        .k4 { --c: var(--k4); } .k5 { --c: var(--k5); } .k6 { --c: var(--k6); } .k7 { --c: var(--k7); }
        svg text.inside { fill: #fff; font-size: 11.5px; }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; list-style: none; font-size: 0.9rem; }
        .legend li { display: flex; align-items: center; gap: 6px; }
        .legend svg { width: 16px; height: 16px; }
        details { margin: 12px 0; }
        summary { cursor: pointer; color: var(--p0); font-size: 0.93rem; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; font-size: 0.86rem; font-variant-numeric: tabular-nums; margin: 8px 0; }
        th, td { padding: 5px 10px; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
        th { font-weight: 600; }
        thead th { white-space: normal; vertical-align: bottom; min-width: 84px; }
        th:first-child, td.text, th.text { text-align: left; }
        td.text { white-space: normal; overflow-wrap: anywhere; }
        td.name { text-align: left; }
        td small { display: block; color: var(--soft); }
        td.best { font-weight: 700; }
        @media print {
          body { font-size: 10pt; background: #fff; }
          main, header, footer { max-width: none; padding: 0; }
          nav { display: none; }
          figure, .tile { border-color: #ccc; }
          .cards { grid-template-columns: 1fr 1fr; }
          .split span, .tile { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          details::details-content { content-visibility: visible; block-size: auto; }
          summary { list-style: none; color: inherit; }
          .scroll, figure.wide { overflow: visible; }
          figure.wide svg.chart { min-width: 0; }
          thead th { min-width: 0; }
          .scroll table { font-size: 6.5pt; }
          th, td { padding: 2px 4px; }
          h2 { break-after: avoid; }
        }

        """

    /// What a picture by itself takes besides.
    static let picture: StaticString = """
        .paper { fill: var(--paper); }

        """
}
