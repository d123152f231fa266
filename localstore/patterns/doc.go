// Package patterns finds what log lines have in common: "user <_> logged in
// from <_>" and how often that was said, and when.
//
// It follows Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach
// with Fixed Depth Tree", ICWS 2017): one pass, a tree of fixed depth that leads
// a line to the few clusters that it may belong to, and a template for each
// cluster in which the words that differ are wildcards. What is our own:
//
//   - Words are told apart by spaces and by the punctuation of logfmt, JSON and
//     prose. All that stands between the words, with the keys of key=value and
//     "key":, is the line's frame, and lines of one cluster have one frame.
//   - The tree leads by the first few words that look like no number. Where too
//     many different words follow, that word is a variable, and the branches
//     are joined. Words with a digit in them never lead, and neither keep lines
//     apart nor bring them together.
//
// It promises:
//
//   - Each line that was taken in matches its pattern, by the LogQL filter |>.
//   - The answer depends on the lines and their order alone.
//   - Memory is bounded by [Options], whatever the lines are: twice Limit
//     templates of at most 2 KiB of a line, and a number for each bucket. When
//     there are more clusters than that, the rarest are let go.
//   - Work is bounded: the first million lines are looked at one by one, then
//     every second until there are two million, every fourth until four, and
//     so on, each counted for as many. Which ones is drawn, so that lines which
//     alternate stay in proportion, and drawn the same way each time.
//
// It reads no store and knows neither streams nor time.
package patterns
