// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchReport
import BenchResults
import Foundation
import FoundationXML
import Testing

@Suite("The reports", .timeLimit(.minutes(1)))
struct ReportTests {
    @Test("the page is well-formed, and text that looks like markup stays text")
    func wellFormed() throws {
        let page = try Page(HTMLReport(Sample.results()).text)
        #expect(page.error == nil)
        #expect(!page.elements.contains("script"))
        #expect(!page.elements.contains("em"))
        #expect(!page.elements.contains("b"))
        #expect(page.text.contains("1→1, <script>alert(\"1\")</script> & 'more'"))
        #expect(page.text.contains("na<b>ts & co"))
        #expect(page.text.contains("Say <em>it</em> & mean it"))
        #expect(page.text.contains("ended with <status> 1"))
    }

    @Test("characters that XML does not know do not break the page")
    func controlCharacters() throws {
        var results = try Sample.results()
        results.rows[0].title = "a\u{0}b\u{1B}[1mc\u{FFFF}"
        let page = try Page(HTMLReport(results).text)
        #expect(page.error == nil)
        #expect(page.text.contains("a\u{FFFD}b\u{FFFD}[1mc\u{FFFD}"))
    }

    @Test("the picture is well-formed, needs nothing else, and says where it was measured")
    func picture() throws {
        let text = try #require(PictureReport(try Sample.results()).text)
        let page = try Page(text)
        #expect(page.error == nil)
        #expect(text.hasPrefix("<svg") && page.elements.isSuperset(of: ["style", "rect"]))
        #expect(!page.elements.contains("script") && !text.contains("url("))
        #expect(page.text.contains(try Sample.results().machine.processor))
        var alone = try Sample.results()
        alone.servers.removeAll { !$0.isProduct }
        #expect(PictureReport(alone).text == nil)
    }

    @Test("the page needs nothing else")
    func selfContained() throws {
        let text = HTMLReport(try Sample.results()).text
        for word in ["<link", "<img", "src=", "@import", "url(", "<script"] { #expect(!text.contains(word)) }
        let page = try Page(text)
        let foreign = page.attributes.filter { $0.value.contains("//") && $0.key != "xmlns" }
        #expect(foreign.isEmpty)
    }

    @Test("every picture has a title and a description, and every id is there once")
    func accessible() throws {
        let page = try Page(HTMLReport(Sample.results()).text)
        let ids = page.attributes.filter { $0.key == "id" }.map(\.value)
        #expect(ids.count == Set(ids).count)
        let references = page.attributes.filter { $0.key == "aria-labelledby" }.flatMap {
            $0.value.split(separator: " ").map(String.init)
        }
        #expect(!references.isEmpty)
        #expect(Set(references).isSubset(of: ids))
    }

    @Test("the tables and the summary show medians and ranges")
    func figures() throws {
        let page = try Page(HTMLReport(Sample.results()).text)
        #expect(page.text.contains("4.20 µs4.00 µs – 4.40 µs"))
        #expect(page.text.contains("redis is 2.00× better: 2.10 µs against 4.20 µs of belfry-epoll"))
        #expect(page.text.contains("Of 16 comparisons with the best of the others, Belfry wins 6, others win 5"))
        #expect(page.text.contains("The sources were changed"))
        #expect(page.text.contains("Example CPU <8>"))
        #expect(page.text.contains("7.0.15"))
    }

    @Test("one side alone, and nothing at all, still make a page")
    func onesided() throws {
        var results = try Sample.results()
        results.cells.removeAll { $0.server == "redis" }
        #expect(try Page(HTMLReport(results).text).error == nil)
        results.cells = []
        results.servers = []
        let page = try Page(HTMLReport(results).text)
        #expect(page.error == nil)
        #expect(page.text.contains("nothing to compare"))
        #expect(MarkdownReport(results).text.contains("Nothing was compared."))
    }

    @Test("the Markdown has a table with the best in bold, and says where others win")
    func markdown() throws {
        let text = MarkdownReport(try Sample.results()).text
        #expect(text.contains("| | belfry-epoll | belfry-uring | redis |\n|---|---|---|---|\n"))
        #expect(text.contains("| fan-out 100, W=1 | 4.20 | 4.60 | **2.10** |\n"))
        #expect(text.contains("| fan-out 100, W=64 | **0.100\\*** | – | 0.300 |\n"))
        #expect(text.contains("| idle, 5000 sessions | **750** | 9100 |"))
        #expect(text.contains("**Where others win**: Server CPU per delivery, fan-out 100, W=1: redis is 2.00× better"))
        #expect(!text.contains(" <script>"))
    }
}

/// What an XML parser finds in a page.
private final class Page: NSObject, XMLParserDelegate {
    private(set) var elements: Set<String> = []
    private(set) var attributes: [(key: String, value: String)] = []
    private(set) var text = ""
    private(set) var error: String?

    init(_ source: String) throws {
        super.init()
        let parser = XMLParser(data: Data(source.utf8))
        parser.delegate = self
        if !parser.parse() { error = parser.parserError.map { "\($0) in line \(parser.lineNumber)" } ?? "unknown" }
    }

    func parser(
        _ parser: XMLParser,
        didStartElement elementName: String,
        namespaceURI: String?,
        qualifiedName qName: String?,
        attributes attributeDict: [String: String]
    ) {
        elements.insert(elementName)
        attributes += attributeDict.map { (key: $0.key, value: $0.value) }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        text += string
    }
}
